namespace InfluxBackup.PowerShell.Completion;

/// <summary>Offers the retention policies of the databases named so far, or of all.</summary>
public sealed class RetentionPolicyCompleter : CatalogCompleter
{
    private protected override IEnumerable<Candidate> Candidates(string commandName, BoundParameters bound) =>
        ShardsOfDatabases(commandName, bound)
            .GroupBy(s => s.RetentionPolicy)
            .OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => new Candidate(g.Key, $"{g.First().Database}.{g.Key}: {g.Count()} shards"));
}
