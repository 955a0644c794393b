using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations.Checks;

/// <summary>
/// Reads tombstone files to their end, and compares the keys that they delete from with those of the TSM file that follows: servers send
/// a tombstone before its TSM file. A key that is not there is odd, no more: a compaction may have been faster than a delete.
/// </summary>
internal sealed class TombstoneExamination(Findings findings)
{
    public const string Damaged = "TombstoneDamaged";
    public const string Truncated = "TombstoneTruncated";
    public const string KeyUnknown = "TombstoneKeyUnknown";

    /// <summary>So many keys are compared; for each, eight bytes are held.</summary>
    private const int MostKeys = 200_000;

    /// <summary>So many can be named.</summary>
    private const int MostNames = 100;

    private readonly HashSet<ulong> keys = [];
    private readonly Dictionary<ulong, (string Series, string? Field, long MinTime, long MaxTime)> names = [];
    private string? tombstone;

    public void Read(string name, Stream content, CancellationToken cancel)
    {
        keys.Clear();
        names.Clear();
        tombstone = null;
        try
        {
            using var file = TombstoneFile.Open(content, name);
            while (file.Read())
            {
                cancel.ThrowIfCancellationRequested();
                Note(file);
            }

            if (file.Warning is { } warning)
            {
                findings.Add(findings.Warning(Truncated, $"'{name}': {warning}") with { Entry = name });
            }

            tombstone = name;
        }
        catch (TsmFormatException e)
        {
            var finding = findings.Error(Damaged, $"'{name}', byte {e.Offset}: {e.Message} Which points it deletes can't be told.");
            findings.Add(finding with { Entry = name, Offset = e.Offset });
        }
    }

    /// <summary>Whether keys of this TSM file are waited for.</summary>
    public bool BelongsTo(string tsm) => tombstone is not null && keys.Count > 0 && ShardFileName.TsmOf(tombstone) == tsm;

    public void OnKey(ReadOnlySpan<byte> key) => keys.Remove(Hash(key));

    /// <summary>Called after the last key of the TSM file that it belongs to.</summary>
    public void End(string tsm)
    {
        if (keys.Count > 0)
        {
            var named = names.Where(n => keys.Contains(n.Key)).Select(n => n.Value).ToList();
            foreach (var (series, field, min, max) in named)
            {
                var finding = findings.Warning(KeyUnknown, $"'{tombstone}' deletes points of {series} field {field}, of which '{tsm}' has none.");
                findings.Add(finding with
                {
                    Entry = tombstone, Series = series, Field = field, StartTime = ShardTime.ToDateTime(min), EndTime = ShardTime.ToDateTime(max),
                });
            }

            if (keys.Count > named.Count)
            {
                findings.AddMore(FindingSeverity.Warning, KeyUnknown, tombstone, keys.Count - named.Count);
            }
        }

        tombstone = null;
    }

    private void Note(TombstoneFile file)
    {
        var hash = Hash(file.Key);
        if (keys.Count < MostKeys && keys.Add(hash) && names.Count < MostNames)
        {
            var (series, field) = TsmKey.DescribeParts(file.Key);
            names[hash] = (series, field, file.MinTime, file.MaxTime);
        }
    }

    /// <summary>FNV-1a. That two keys share one hides an oddity, nothing else.</summary>
    private static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = 0xcbf29ce484222325;
        foreach (var b in bytes)
        {
            hash = (hash ^ b) * 0x100000001b3;
        }

        return hash;
    }
}
