using InfluxBackup.Http;
using InfluxBackup.LineProtocol;
using InfluxBackup.Metadata;
using InfluxBackup.Tsm;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>
/// Makes the fields of a shard known to a server before the shard's files come. A shard that already knows fields does not look for others in
/// files that are uploaded into it (series index tsi1 up to 1.10): they would stay hidden for ever. So one real point of each is written
/// over HTTP, with its own value; the server refuses it if the field has another type there, and that is before any harm is done.
/// </summary>
/// <param name="http">To ask.</param>
/// <param name="writer">To write.</param>
/// <param name="preference">Whether values of the server may be replaced.</param>
/// <param name="logger">Takes what was done.</param>
internal sealed class FieldAnnouncement(InfluxHttpClient http, InfluxWriteClient writer, MergePreference preference, ILogger logger)
{
    private const int MostBytes = 1 << 20;

    /// <summary>Makes sure that a shard knows the fields.</summary>
    /// <param name="target">Database and policy on the server.</param>
    /// <param name="group">The times of the shard's group.</param>
    /// <param name="oldest">Points before this are refused by the policy; null where it keeps everything.</param>
    /// <param name="samples">A point of each field.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>How many points were written.</returns>
    /// <exception cref="InfluxBackupException">The server refuses a point, or can't be reached.</exception>
    public async Task<int> MakeKnownAsync(ShardKey target, TimeRange group, long? oldest, IReadOnlyList<SamplePoint> samples, CancellationToken cancel)
    {
        var live = new LivePoints(http, target.Database, target.RetentionPolicy);
        foreach (var sample in samples.Where(s => s.Time < oldest || !s.IsWritable))
        {
            if (!await live.HasFieldAsync(sample, group, cancel).ConfigureAwait(false))
            {
                throw sample.IsWritable ? BeyondRetention(target, $"all points of the {sample.Name} are older than that") : NotWritable(target, sample);
            }
        }

        var candidates = samples.Where(s => s.IsWritable && (oldest is null || s.Time >= oldest)).ToList();
        // Where the server has a value the field is known, and that value stays.
        var known = preference == MergePreference.Existing ? await live.FindAsync(candidates, cancel).ConfigureAwait(false) : new HashSet<SamplePoint>();
        var written = candidates.Where(s => !known.Contains(s)).ToList();
        await WriteAsync(target, written, cancel).ConfigureAwait(false);
        logger.LogDebug("{Target}: {Written} of {Samples} fields were made known by a point.", target, written.Count, samples.Count);
        return written.Count;
    }

    /// <summary>Writes points as they are.</summary>
    /// <exception cref="InfluxBackupException">The server refuses one, or can't be reached.</exception>
    public async Task WriteAsync(ShardKey target, IReadOnlyList<SamplePoint> points, CancellationToken cancel)
    {
        using var text = new TextBuffer(4096);
        for (var i = 0; i < points.Count; i++)
        {
            text.Write(points[i].Line.Span);
            if (text.Length >= MostBytes || i == points.Count - 1)
            {
                await SendAsync(target, text.Written, cancel).ConfigureAwait(false);
                text.Clear();
            }
        }
    }

    private async Task SendAsync(ShardKey target, ReadOnlyMemory<byte> lines, CancellationToken cancel)
    {
        var place = new WriteTarget(target.Database, target.RetentionPolicy);
        var answer = await writer.WriteAsync(place, lines, isGzip: false, choice: 0, cancel).ConfigureAwait(false);
        switch (answer.Verdict)
        {
            case WriteVerdict.Accepted:
                return;
            case WriteVerdict.Unavailable or WriteVerdict.Fatal:
                throw answer.Error!;
            case WriteVerdict.Refused when answer.Message.Contains("field type conflict", StringComparison.Ordinal):
                throw new InfluxBackupException(
                    "FieldTypeConflict", ErrorKind.InvalidData, $"The server refuses a point of the backup in {place}: {answer.Reason}. No file was sent to this shard.")
                {
                    Subject = target.ToString(),
                    Remedy = "Somebody wrote the field with another type meanwhile. Merge into another policy with -NewRetentionPolicy (--new-retention-policy), or drop that measurement first.",
                };
            case WriteVerdict.Refused when answer.Message.Contains("retention policy", StringComparison.Ordinal):
                throw BeyondRetention(target, $"the server says: {answer.Reason}");
            default:
                throw new InfluxBackupException("PointRefused", ErrorKind.InvalidData, $"The server refuses a point of the backup in {place}: {answer.Message}. No file was sent to this shard.")
                {
                    Subject = target.ToString(),
                };
        }
    }

    private static InfluxBackupException NotWritable(ShardKey target, SamplePoint sample) =>
        new("FieldNotWritable", ErrorKind.Unsupported, $"The {sample.Name} can't be written as line protocol, and {target} does not know it yet: a server would hide it after a merge.")
        {
            Subject = target.ToString(),
            Remedy = "Restore into a new database, and copy what is missing with SELECT ... INTO.",
        };

    /// <summary>What the policy does not take any more.</summary>
    internal static InfluxBackupException BeyondRetention(ShardKey target, string what) =>
        new("PointsBeyondRetention", ErrorKind.InvalidData, $"Retention policy '{target.RetentionPolicy}' of database '{target.Database}' does not keep points of that age any more: {what}.")
        {
            Subject = target.ToString(),
            Remedy = $"Run ALTER RETENTION POLICY {InfluxQl.Identifier(target.RetentionPolicy)} ON {InfluxQl.Identifier(target.Database)} DURATION INF first, merge into a policy that keeps more with -NewRetentionPolicy (--new-retention-policy), or leave old shards out with -Start (--start).",
        };
}
