using System.Collections.Concurrent;
using InfluxBackup.Http;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Snapshotter;

/// <summary>
/// Uploads shards into a running data node, each in one go from local data, because the server locks the shard meanwhile.
/// The server never says whether it took an upload, so each shard is looked at afterwards: with the HTTP API its files are
/// counted, else the shard is read back and its files compared.
/// </summary>
/// <param name="client">The data node.</param>
/// <param name="targets">Where each shard goes; the shards must exist on the node.</param>
/// <param name="http">The node's HTTP API, where known.</param>
/// <param name="logger">Takes what happens on the way.</param>
public sealed class LiveShardSink(
    SnapshotterClient client, IReadOnlyDictionary<ShardKey, ShardKey> targets, InfluxHttpClient? http, ILogger logger) : IShardSink
{
    private static readonly TimeSpan LookDelay = TimeSpan.FromMilliseconds(100);
    private const int Looks = 6;

    /// <summary>Less than this is read to its end: a broken connection leaves a line in the server's log.</summary>
    private const long WorthBreakingOff = 4 << 20;

    private readonly ConcurrentDictionary<ShardKey, (IReadOnlyList<ShardArchiveEntry> Files, long Bytes)> uploads = new();

    /// <inheritdoc/>
    public async Task WriteAsync(ShardKey shard, GuardedArchive archive, CancellationToken cancel)
    {
        var target = targets[shard];
        var renamer = new TarRenamer(target);
        var scanner = new TarScanner(renamer, shard.ToString());
        ShardUpload? upload = null;
        try
        {
            while (await archive.ReadAsync(cancel).ConfigureAwait(false) is { IsEmpty: false } piece)
            {
                scanner.Append(piece.Span);
                if (!renamer.Output.IsEmpty)
                {
                    upload ??= await client.BeginUploadAsync(target.Id, cancel).ConfigureAwait(false);
                    await upload.WriteAsync(renamer.Output, cancel).ConfigureAwait(false);
                    renamer.Clear();
                }
            }

            // A shard without files is there already.
            if (upload is not null)
            {
                renamer.Finish();
                await upload.WriteAsync(renamer.Output, cancel).ConfigureAwait(false);
                await upload.CompleteAsync(cancel).ConfigureAwait(false);
            }

            uploads[shard] = (renamer.Sent, upload?.Sent ?? 0);
        }
        finally
        {
            if (upload is not null)
            {
                await upload.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    public async Task<ShardReceipt> AcceptAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel)
    {
        var target = targets[shard];
        var (files, bytes) = uploads[shard];
        // The same name twice in an archive is one file on the server, the later one.
        var expected = files.GroupBy(f => f.Name, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Last().Size, StringComparer.Ordinal);
        for (var look = 1; ; look++)
        {
            if (await HoldsFilesAsync(target, expected, cancel).ConfigureAwait(false))
            {
                return new ShardReceipt(bytes, target.Id);
            }

            if (look == Looks)
            {
                throw new InfluxBackupException(
                    "ShardUploadLost", ErrorKind.InvalidData, $"Data node {client.Address} took the upload of {shard} without complaint, but its {target} does not hold the files.")
                {
                    Subject = shard.ToString(),
                    Remedy = "Its log has the reason, in lines with service=snapshot or about this shard.",
                    IsTransient = true,
                };
            }

            logger.LogDebug("{Target} does not show the files of {Shard} yet; looking again.", target, shard);
            await Task.Delay(LookDelay * look, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>What was uploaded stays in the shard: the server has no way to take it back short of dropping the shard.</summary>
    public Task DiscardAsync(ShardKey shard)
    {
        uploads.TryRemove(shard, out _);
        return Task.CompletedTask;
    }

    private async Task<bool> HoldsFilesAsync(ShardKey target, Dictionary<string, long> expected, CancellationToken cancel) =>
        await CountsMatchAsync(target, expected, cancel).ConfigureAwait(false)
        || (await ReadBackAsync(target, expected, cancel).ConfigureAwait(false) is { } found && Matches(found, expected));

    private async Task<bool> CountsMatchAsync(ShardKey target, Dictionary<string, long> expected, CancellationToken cancel)
    {
        if (http is null)
        {
            return false;
        }

        try
        {
            var statistics = await http.ReadShardStatisticsAsync(cancel).ConfigureAwait(false);
            return statistics.TryGetValue(target.Id, out var shard) && shard.TsmFiles == expected.Count && shard.DiskBytes == expected.Values.Sum();
        }
        catch (InfluxBackupException e)
        {
            logger.LogDebug("{Message} {Target} is read back instead.", e.Message, target);
            return false;
        }
    }

    /// <summary>
    /// The TSM files that the shard holds, with their sizes, as far as it takes to know: once all expected files have been
    /// seen and much is still to come, the connection is broken off. (The server has renamed a file only when it was whole.)
    /// </summary>
    private async Task<Dictionary<string, long>?> ReadBackAsync(ShardKey target, Dictionary<string, long> expected, CancellationToken cancel)
    {
        try
        {
            var content = await client.OpenShardAsync(target.Id, null, cancel).ConfigureAwait(false);
            var stream = new ShardStream(content) { IsRepeatable = true, IsHashed = false };
            await using (stream.ConfigureAwait(false))
            {
                using var archive = new GuardedArchive(target, stream, $"{target} on {client.Address}");
                long read = 0;
                while (await archive.ReadAsync(cancel).ConfigureAwait(false) is { IsEmpty: false } piece)
                {
                    read += piece.Length;
                    var seen = TsmFiles(archive.Entries);
                    if (Contains(seen, expected) && seen.Values.Sum() - read > WorthBreakingOff)
                    {
                        return seen;
                    }
                }

                return TsmFiles(archive.Entries);
            }
        }
        catch (InfluxBackupException e) when (e.IsTransient)
        {
            logger.LogDebug("Reading back {Target}: {Message}", target, e.Message);
            return null;
        }
    }

    private static Dictionary<string, long> TsmFiles(IReadOnlyList<ShardArchiveEntry> entries) =>
        entries.Where(e => ShardFileName.IsTsm(e.Name)).GroupBy(e => e.Name, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Last().Size, StringComparer.Ordinal);

    private static bool Contains(Dictionary<string, long> there, Dictionary<string, long> expected) =>
        expected.All(e => there.TryGetValue(e.Key, out var size) && size == e.Value);

    /// <summary>
    /// Same names and sizes; or the server has already compacted: then the uploaded files have given way to ones that are at
    /// least as high in the order of generations, with a sequence above 1. (What it writes from its cache has sequence 1.)
    /// </summary>
    private static bool Matches(Dictionary<string, long> there, Dictionary<string, long> expected) =>
        Contains(there, expected)
        || expected.Where(e => !there.TryGetValue(e.Key, out var size) || size != e.Value)
            .All(lost => there.Keys.Any(other => !expected.ContainsKey(other) && ShardFileName.IsCompacted(other) && string.CompareOrdinal(other, lost.Key) > 0));
}
