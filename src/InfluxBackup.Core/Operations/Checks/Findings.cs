using System.Globalization;
using InfluxBackup.Metadata;

namespace InfluxBackup.Operations.Checks;

/// <summary>What was found in one backup, or in one shard of it. A file full of damage is told of by its first findings and a count of the others.</summary>
/// <param name="file">Path of the file that findings are about unless they say otherwise.</param>
/// <param name="shard">The shard, where it is one.</param>
internal sealed class Findings(string file, ShardDescription? shard = null)
{
    /// <summary>So many findings of one check in one file.</summary>
    private const int MostOfAKind = 20;

    /// <summary>So many findings of one shard.</summary>
    private const int Most = 500;

    private readonly List<TestFinding> all = [];
    private readonly Dictionary<(string Check, string File, string? Entry), (FindingSeverity Severity, long Count, long Told)> counts = [];

    public bool HasErrors { get; private set; }

    public TestFinding Error(string check, string message) => New(FindingSeverity.Error, check, message);

    public TestFinding Warning(string check, string message) => New(FindingSeverity.Warning, check, message);

    public void Add(TestFinding finding) => Add(finding, 1);

    /// <summary>Notes a finding, or so many like it that are only counted.</summary>
    public void AddMore(FindingSeverity severity, string check, string? entry, long count) => Add(New(severity, check, "") with { Entry = entry }, count, told: false);

    /// <summary>Everything, in the order of its finding, and what is only counted at the end.</summary>
    public IReadOnlyList<TestFinding> ToList()
    {
        var rest = counts.Where(c => c.Value.Count > c.Value.Told).Select(c => New(
            c.Value.Severity,
            c.Key.Check,
            string.Create(CultureInfo.InvariantCulture, $"{c.Value.Count - c.Value.Told} more findings of this kind{(c.Key.Entry is null ? "" : $" in '{c.Key.Entry}'")} are not listed.")) with
        {
            File = c.Key.File,
            Entry = c.Key.Entry,
        });
        return [.. all, .. rest];
    }

    private void Add(TestFinding finding, long count, bool told = true)
    {
        HasErrors |= finding.Severity == FindingSeverity.Error;
        var key = (finding.Check, finding.File, finding.Entry);
        var before = counts.GetValueOrDefault(key);
        told = told && before.Told < MostOfAKind && all.Count < Most;
        counts[key] = (finding.Severity, before.Count + count, before.Told + (told ? 1 : 0));
        if (told)
        {
            all.Add(finding);
        }
    }

    /// <summary>With the shard's times: nearer ones are for the caller to give.</summary>
    private TestFinding New(FindingSeverity severity, string check, string message) =>
        new(severity, check, file, shard?.Key.Database, shard?.Key.RetentionPolicy, shard?.Key.Id, message)
        {
            // The group of the smallest times begins, wrapped around, behind its end.
            StartTime = shard is null ? null : ShardTime.ToDateTime(shard.Start > shard.End ? long.MinValue : shard.Start),
            EndTime = shard is null ? null : ShardTime.ToDateTime(shard.End - 1),
        };
}
