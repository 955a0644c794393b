using InfluxBackup.Http;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Snapshotter;

/// <summary>What a shard on a data node holds of the TSM files that it should hold.</summary>
public enum ShardHolding
{
    /// <summary>All of them, or, where they were sent, what the server has made of them by compaction. There may be more.</summary>
    Everything,

    /// <summary>Some of them or none, and no others.</summary>
    Less,

    /// <summary>Files of somebody else: other names, or other sizes under the same names.</summary>
    Others,
}

/// <summary>
/// Looks at the TSM files of a shard on one data node, because the server never says whether it took an upload: with the HTTP API its files
/// are counted, else the shard is read back.
/// </summary>
/// <param name="client">The data node.</param>
/// <param name="http">The node's HTTP API, where known.</param>
/// <param name="logger">Takes what happens on the way.</param>
public sealed class ShardLook(SnapshotterClient client, InfluxHttpClient? http, ILogger logger)
{
    /// <summary>Less than this is read to its end: a broken connection leaves a line in the server's log.</summary>
    private const long WorthBreakingOff = 4 << 20;

    /// <summary>Whether the shard holds all that is expected.</summary>
    /// <param name="target">The shard as the node calls it.</param>
    /// <param name="expected">Names and sizes of TSM files.</param>
    public async Task<bool> HoldsAsync(ShardKey target, IReadOnlyDictionary<string, long> expected, CancellationToken cancel) =>
        (await StatisticsAsync(target, cancel).ConfigureAwait(false) is { } counted && CountsMatch(counted, expected))
        || (await ReadBackAsync(target, expected, cancel).ConfigureAwait(false) is { } found && Compare(found, expected, wereSent: true) == ShardHolding.Everything);

    /// <summary>Compares what the shard holds with what is expected.</summary>
    /// <param name="target">The shard as the node calls it.</param>
    /// <param name="expected">Names and sizes of TSM files.</param>
    /// <param name="wereSent">
    /// The files were sent to the end, so that files of a compaction may be what became of them. Else those are of somebody else's points.
    /// </param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="InfluxBackupException">The node does not show the shard.</exception>
    public async Task<ShardHolding> CompareAsync(ShardKey target, IReadOnlyDictionary<string, long> expected, bool wereSent, CancellationToken cancel)
    {
        if (await StatisticsAsync(target, cancel).ConfigureAwait(false) is { } counted)
        {
            if (counted.TsmFiles == 0)
            {
                return expected.Count == 0 ? ShardHolding.Everything : ShardHolding.Less;
            }

            if (CountsMatch(counted, expected))
            {
                return ShardHolding.Everything;
            }
        }

        return Compare(await ReadBackAsync(target, expected, cancel).ConfigureAwait(false) ?? throw NotShown(target), expected, wereSent);
    }

    /// <summary>
    /// Whether the shard has no point at all. Files are counted, but none does not say that there are no points: those in the write cache become a
    /// file at any time, of a name that the backup may have too. Reading the shard has the server write them down.
    /// </summary>
    /// <param name="target">The shard as the node calls it.</param>
    /// <param name="isFresh">It was made just now: most probably it is empty, and reading that is quicker than a count, for which the
    /// server waits while it takes uploads into others.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="InfluxBackupException">The node does not show the shard.</exception>
    public async Task<bool> IsEmptyAsync(ShardKey target, bool isFresh, CancellationToken cancel)
    {
        if (!isFresh && await StatisticsAsync(target, cancel).ConfigureAwait(false) is { TsmFiles: > 0 })
        {
            return false;
        }

        // Any file is answer enough, so nothing is expected and the first entry ends the reading.
        var found = await ReadBackAsync(target, new Dictionary<string, long>(), cancel).ConfigureAwait(false) ?? throw NotShown(target);
        return found.Count == 0;
    }

    private async Task<ShardStatistics?> StatisticsAsync(ShardKey target, CancellationToken cancel)
    {
        if (http is null)
        {
            return null;
        }

        try
        {
            return (await http.ReadShardStatisticsAsync(cancel).ConfigureAwait(false)).GetValueOrDefault(target.Id);
        }
        catch (InfluxBackupException e)
        {
            logger.LogDebug("{Message} {Target} is read back instead.", e.Message, target);
            return null;
        }
    }

    /// <summary>
    /// The TSM files that the shard holds, with their sizes, as far as it takes to know: once all expected files have been
    /// seen and much is still to come, the connection is broken off. (The server has renamed a file only when it was whole.)
    /// </summary>
    private async Task<Dictionary<string, long>?> ReadBackAsync(ShardKey target, IReadOnlyDictionary<string, long> expected, CancellationToken cancel)
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
                    if (seen.Count > 0 && Contains(seen, expected) && seen.Values.Sum() - read > WorthBreakingOff)
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

    private static bool CountsMatch(ShardStatistics counted, IReadOnlyDictionary<string, long> expected) =>
        counted.TsmFiles == expected.Count && counted.DiskBytes == expected.Values.Sum();

    private static Dictionary<string, long> TsmFiles(IReadOnlyList<ShardArchiveEntry> entries) =>
        entries.Where(e => ShardFileName.IsTsm(e.Name)).GroupBy(e => e.Name, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Last().Size, StringComparer.Ordinal);

    private static bool Contains(Dictionary<string, long> there, IReadOnlyDictionary<string, long> expected) =>
        expected.All(e => there.TryGetValue(e.Key, out var size) && size == e.Value);

    /// <summary>
    /// Same names and sizes are everything; or, where they were sent, the server has already compacted: then the uploaded files have given way to ones that are at
    /// least as high in the order of generations, with a sequence above 1. (What it writes from its cache has sequence 1.)
    /// </summary>
    private static ShardHolding Compare(Dictionary<string, long> there, IReadOnlyDictionary<string, long> expected, bool wereSent)
    {
        var missing = expected.Where(e => !there.TryGetValue(e.Key, out var size) || size != e.Value).ToList();
        if (missing.All(lost => wereSent && there.Keys.Any(other => !expected.ContainsKey(other) && ShardFileName.IsCompacted(other) && string.CompareOrdinal(other, lost.Key) > 0)))
        {
            return ShardHolding.Everything;
        }

        return there.All(t => expected.TryGetValue(t.Key, out var size) && size == t.Value) ? ShardHolding.Less : ShardHolding.Others;
    }

    private InfluxBackupException NotShown(ShardKey target) =>
        new("ShardNotShown", ErrorKind.Connection, $"Data node {client.Address} does not show what its {target} holds.")
        {
            Subject = client.Address.ToString(),
            Remedy = "It may be busy with the shard, or not have it open; its log has lines with service=snapshot.",
            IsTransient = true,
        };
}
