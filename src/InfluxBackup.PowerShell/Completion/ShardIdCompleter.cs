using System.Globalization;

namespace InfluxBackup.PowerShell.Completion;

/// <summary>Offers the shards of the databases and policies named so far.</summary>
public sealed class ShardIdCompleter : CatalogCompleter
{
    private protected override IEnumerable<Candidate> Candidates(string commandName, BoundParameters bound) =>
        ShardsOfDatabases(commandName, bound)
            .Where(s => bound.RetentionPolicies.Count == 0 || bound.RetentionPolicies.Contains(s.RetentionPolicy))
            .OrderBy(s => s.ShardId)
            .Select(s => new Candidate(
                s.ShardId.ToString(CultureInfo.InvariantCulture),
                string.Create(CultureInfo.InvariantCulture, $"{s.Database}.{s.RetentionPolicy}, from {s.StartTime:u} to {s.EndTime:u}")));
}
