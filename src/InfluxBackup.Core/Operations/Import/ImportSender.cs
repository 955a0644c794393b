using System.IO.Compression;
using InfluxBackup.Http;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;

namespace InfluxBackup.Operations;

/// <summary>
/// Brings the batches of one lane to the server, one after another: repeats what did not come through, divides what is too large, and
/// finds the lines that are refused.
/// </summary>
internal sealed class ImportSender(ImportOptions options, InfluxWriteClient client, ImportAccount account, ImportRejects rejects, int lane) : IDisposable
{
    private static readonly TimeSpan LongestRequestedWait = TimeSpan.FromMinutes(5);

    private readonly MemoryStream packed = new();
    private ResiliencePipeline<WriteAnswer>? retrying;
    private int attempt;

    /// <summary>Returns when each line is either stored or rejected.</summary>
    /// <exception cref="InfluxBackupException">The server can't be reached any more, or will never take such lines.</exception>
    public Task SendAsync(ImportBatch batch, CancellationToken cancel) => SendAsync(batch, 0, batch.Count, cancel);

    public void Dispose() => packed.Dispose();

    private async Task SendAsync(ImportBatch batch, int from, int to, CancellationToken cancel)
    {
        var lines = batch.Lines(from, to);
        if (lines.Length > account.BodyLimit && to - from > 1)
        {
            await DivideAsync(batch, from, to, cancel).ConfigureAwait(false);
            return;
        }

        var answer = await PostAsync(batch.Target, lines, cancel).ConfigureAwait(false);
        switch (answer.Verdict)
        {
            case WriteVerdict.Accepted:
                account.Acknowledge(to - from, lines.Length);
                break;
            case WriteVerdict.TooLarge when to - from > 1:
                account.Limit(lines.Length);
                await DivideAsync(batch, from, to, cancel).ConfigureAwait(false);
                break;
            case WriteVerdict.TooLarge:
                Reject(batch, from, $"the line is longer than the server takes ({lines.Length} bytes; max-body-size in its configuration)");
                break;
            case WriteVerdict.Refused:
                await SiftAsync(answer, batch, from, to, cancel).ConfigureAwait(false);
                break;
            case WriteVerdict.Unavailable:
                throw new InfluxBackupException(
                    answer.Error!.Id, answer.Error.Kind, $"{answer.Error.Message} The import gave up after {options.MaxAttempts} attempts.", answer.Error)
                {
                    Subject = answer.Error.Subject,
                    Remedy = "When the server is well again, run the import again and let it resume.",
                };
            default:
                throw answer.Error!;
        }
    }

    /// <summary>Halves, in their order: of two lines for the same point the later one has to come later.</summary>
    private async Task DivideAsync(ImportBatch batch, int from, int to, CancellationToken cancel)
    {
        var middle = from + ((to - from) / 2);
        await SendAsync(batch, from, middle, cancel).ConfigureAwait(false);
        await SendAsync(batch, middle, to, cancel).ConfigureAwait(false);
    }

    /// <summary>
    /// Some of the lines are refused; which? The answer may say, otherwise parts are sent again until those that are refused are
    /// alone. Sending a point twice changes nothing.
    /// </summary>
    private async Task SiftAsync(WriteAnswer answer, ImportBatch batch, int from, int to, CancellationToken cancel)
    {
        var count = to - from;
        var unparsed = ImportRefusal.Unparsed(answer, batch, from, to);
        if (count == 1)
        {
            Reject(batch, from, answer.Reason);
        }
        else if (unparsed is not null)
        {
            for (var i = from; i < to; i++)
            {
                if (unparsed.TryGetValue(i, out var reason))
                {
                    Reject(batch, i, reason);
                }
            }

            account.AcknowledgePart(count - unparsed.Count);
        }
        else if (answer.Dropped == count || answer.IsUnparsed)
        {
            // All of them, for the same reason; or nothing could be parsed, and the words are not ours to take apart.
            for (var i = from; i < to; i++)
            {
                Reject(batch, i, answer.Reason);
            }
        }
        else
        {
            await DivideAsync(batch, from, to, cancel).ConfigureAwait(false);
        }
    }

    private void Reject(ImportBatch batch, int index, string reason) => rejects.Add(batch.Target, batch.NumberOf(index), reason, batch.Line(index));

    private async Task<WriteAnswer> PostAsync(WriteTarget target, ReadOnlyMemory<byte> lines, CancellationToken cancel)
    {
        var body = options.IsCompressed ? Pack(lines.Span) : lines;
        attempt = 0;
        retrying ??= CreateRetrying();
        var answer = await retrying.ExecuteAsync(
            async token => await client.WriteAsync(target, body, options.IsCompressed, lane + attempt, token).ConfigureAwait(false), cancel).ConfigureAwait(false);
        if (answer.Verdict != WriteVerdict.Unavailable && account.EndOutage())
        {
            options.Logger.LogInformation("The server takes points again.");
        }

        return answer;
    }

    private ReadOnlyMemory<byte> Pack(ReadOnlySpan<byte> lines)
    {
        packed.SetLength(0);
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(lines);
        }

        return packed.GetBuffer().AsMemory(0, (int)packed.Length);
    }

    private ResiliencePipeline<WriteAnswer> CreateRetrying() =>
        options.MaxAttempts <= 1
            ? ResiliencePipeline<WriteAnswer>.Empty
            : new ResiliencePipelineBuilder<WriteAnswer>()
                .AddRetry(new RetryStrategyOptions<WriteAnswer>
                {
                    ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Result?.Verdict == WriteVerdict.Unavailable),
                    MaxRetryAttempts = options.MaxAttempts - 1,
                    Delay = options.RetryDelay,
                    MaxDelay = options.MaxRetryDelay,
                    BackoffType = DelayBackoffType.Exponential,
                    UseJitter = true,
                    DelayGenerator = arguments => ValueTask.FromResult(Requested(arguments.Outcome.Result)),
                    OnRetry = OnRetry,
                })
                .Build();

    /// <summary>What the server asks for, within reason; null leaves it to the usual delays.</summary>
    private TimeSpan? Requested(WriteAnswer? answer) =>
        answer?.RetryAfter is not { } wait ? null
        : wait < options.RetryDelay ? options.RetryDelay
        : wait > LongestRequestedWait ? LongestRequestedWait
        : wait;

    private ValueTask OnRetry(OnRetryArguments<WriteAnswer> retry)
    {
        attempt++;
        account.Retry();
        // One lane says it once an outage; that all the others meet it too is no news.
        var level = account.BeginOutage() ? LogLevel.Warning : LogLevel.Debug;
        options.Logger.Log(
            level, "A request failed and is repeated in {Delay:0.0} s (attempt {Attempt} of {Attempts}): {Message}",
            retry.RetryDelay.TotalSeconds, retry.AttemptNumber + 2, options.MaxAttempts, retry.Outcome.Result?.Error?.Message);
        return default;
    }
}
