using InfluxBackup.Http;
using InfluxBackup.LineProtocol;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using InfluxBackup.Tsm;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>
/// Makes the fields of a shard known to a server before the shard's files come. A shard that already knows fields does not look for others in
/// files that are uploaded into it (series index tsi1 up to 1.10): they would stay hidden for ever. So one real point of each is written
/// over HTTP, with its own value; the server refuses it if the field has another type there, and that is before any harm is done.
/// </summary>
/// <param name="writer">To write, so that every owner has the points.</param>
/// <param name="preference">Whether values of the server may be replaced.</param>
/// <param name="logger">Takes what was done.</param>
internal sealed class FieldAnnouncement(InfluxWriteClient writer, MergePreference preference, ILogger logger)
{
    private const int MostBytes = 1 << 20;

    /// <summary>Makes sure that a shard knows the fields, on each of its owners.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="target">Its owners, and the times that it takes.</param>
    /// <param name="samples">A point of each field.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>How many points were written.</returns>
    /// <exception cref="InfluxBackupException">The server refuses a point, or can't be reached.</exception>
    public async Task<int> MakeKnownAsync(ShardKey shard, MergeTarget target, IReadOnlyList<SamplePoint> samples, CancellationToken cancel)
    {
        var owners = target.Owners.Select(o => (Node: o, Live: new LivePoints(o.HttpOf(), shard.Database, shard.RetentionPolicy))).ToList();
        bool CanBeWritten(SamplePoint sample) => sample.IsWritable && (target.Oldest is null || sample.Time >= target.Oldest);
        foreach (var sample in samples.Where(s => !CanBeWritten(s)))
        {
            foreach (var owner in owners)
            {
                if (!await owner.Live.HasFieldAsync(sample, target.Group, cancel).ConfigureAwait(false))
                {
                    throw sample.IsWritable ? BeyondRetention(shard, $"all points of the {sample.Name} are older than that") : NotWritable(shard, sample);
                }
            }
        }

        var written = samples.Where(CanBeWritten).ToList();
        if (preference == MergePreference.Existing)
        {
            // Where a server has a value the field is known, and that value stays.
            var known = new List<IReadOnlySet<SamplePoint>>();
            foreach (var owner in owners)
            {
                known.Add(await owner.Live.FindAsync(written, cancel).ConfigureAwait(false));
            }

            foreach (var (owner, points) in owners.Zip(known))
            {
                await CheckDisputedAsync(shard, owner.Node, owner.Live, target.Group, written.Where(s => !points.Contains(s) && known.Any(k => k.Contains(s))), cancel).ConfigureAwait(false);
            }

            written.RemoveAll(s => known.Any(k => k.Contains(s)));
        }

        await WriteAsync(shard, written, cancel).ConfigureAwait(false);
        logger.LogDebug("{Shard}: {Written} of {Samples} fields were made known by a point.", shard, written.Count, samples.Count);
        return written.Count;
    }

    /// <summary>Points that other owners have and this one lacks: to write them would change what those have, so the field must be known here already.</summary>
    private static async Task CheckDisputedAsync(
        ShardKey shard, LiveNode node, LivePoints live, TimeRange group, IEnumerable<SamplePoint> points, CancellationToken cancel)
    {
        foreach (var point in points)
        {
            if (!await live.HasFieldAsync(point, group, cancel).ConfigureAwait(false))
            {
                throw new InfluxBackupException("OwnersDiffer", ErrorKind.InvalidData, $"{node} does not know the {point.Name} in {shard}, which other owners of the shard have: the copies differ.")
                {
                    Subject = shard.ToString(),
                    Remedy = "Repair the shard first, with anti-entropy or by copying it from another owner (influxd-ctl copy-shard), or merge with -Prefer Backup (--prefer backup).",
                };
            }
        }
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
            // Nodes of a cluster answer so with status 500.
            case WriteVerdict.Refused or WriteVerdict.Unavailable when answer.Message.Contains("field type conflict", StringComparison.Ordinal):
                throw new InfluxBackupException(
                    "FieldTypeConflict", ErrorKind.InvalidData, $"The server refuses a point of the backup in {place}: {answer.Reason.TrimEnd('.')}. No file was sent to this shard.")
                {
                    Subject = target.ToString(),
                    Remedy = "Somebody wrote the field with another type meanwhile. Merge into another policy with -NewRetentionPolicy (--new-retention-policy), or drop that measurement first.",
                };
            case WriteVerdict.Refused when answer.Message.Contains("retention policy", StringComparison.Ordinal):
                throw BeyondRetention(target, $"the server says: {answer.Reason}");
            case WriteVerdict.Unavailable or WriteVerdict.Fatal:
                throw answer.Error!;
            default:
                throw new InfluxBackupException("PointRefused", ErrorKind.InvalidData, $"The server refuses a point of the backup in {place}: {answer.Message}. No file was sent to this shard.")
                {
                    Subject = target.ToString(),
                };
        }
    }

    private static InfluxBackupException NotWritable(ShardKey target, SamplePoint sample) =>
        new("FieldNotWritable", ErrorKind.Unsupported, $"The {sample.Name} has no point that could be written into {target} as line protocol, and that shard does not know it yet: a server would hide it after a merge.")
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
