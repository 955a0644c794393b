using InfluxBackup.Transfer;

namespace InfluxBackup.Operations.Checks;

/// <summary>One question about the names in a shard's archive.</summary>
internal abstract class EntriesCheck
{
    protected EntriesCheck() => Id = GetType().Name[..^"Check".Length];

    public string Id { get; }

    public abstract void Run(IReadOnlyList<ShardArchiveEntry> entries, Findings findings);
}

/// <summary>No file is there twice.</summary>
internal sealed class EntryTwiceCheck : EntriesCheck
{
    public override void Run(IReadOnlyList<ShardArchiveEntry> entries, Findings findings)
    {
        foreach (var name in entries.GroupBy(e => e.Name).Where(g => g.Count() > 1).Select(g => g.Key))
        {
            findings.Add(findings.Warning(Id, $"'{name}' is in the archive twice; the later one counts.") with { Entry = name });
        }
    }
}

/// <summary>Every TSM file has a name that a server may be given.</summary>
internal sealed class TsmNameUnsafeCheck : EntriesCheck
{
    public override void Run(IReadOnlyList<ShardArchiveEntry> entries, Findings findings)
    {
        foreach (var name in entries.Select(e => e.Name).Where(n => ShardFileName.IsTsm(n) && !ShardFileName.IsSafeTsmName(n)).Distinct())
        {
            findings.Add(findings.Error(Id, $"A TSM file of the name '{name}' can close the shard for good and keep a server from starting: it is never restored.") with { Entry = name });
        }
    }
}

/// <summary>Every tombstone file has its TSM file beside it.</summary>
internal sealed class TombstoneWithoutTsmCheck : EntriesCheck
{
    public override void Run(IReadOnlyList<ShardArchiveEntry> entries, Findings findings)
    {
        var names = entries.Select(e => e.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var name in names.Where(ShardFileName.IsTombstone).Where(n => !names.Contains(ShardFileName.TsmOf(n))).Order(StringComparer.Ordinal))
        {
            findings.Add(findings.Warning(Id, $"'{name}' has no TSM file beside it; its deletes apply to nothing in this archive.") with { Entry = name });
        }
    }
}
