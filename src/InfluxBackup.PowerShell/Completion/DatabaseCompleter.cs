namespace InfluxBackup.PowerShell.Completion;

/// <summary>Offers the databases of the server or backup.</summary>
public sealed class DatabaseCompleter : CatalogCompleter
{
    private protected override IEnumerable<Candidate> Candidates(string commandName, BoundParameters bound) =>
        Shards(commandName, bound)
            .GroupBy(s => s.Database)
            .OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => new Candidate(g.Key, $"{g.Key}: {g.Count()} shards"));
}
