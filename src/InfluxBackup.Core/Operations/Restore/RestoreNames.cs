namespace InfluxBackup.Operations;

/// <summary>Which databases of a backup are restored, and what they are called at the target.</summary>
/// <param name="Databases">Names in the backup.</param>
/// <param name="RetentionPolicies">Names in the backup of the policies that were chosen; all of them when empty.</param>
/// <param name="NewDatabase">New name of the one database.</param>
/// <param name="NewRetentionPolicy">New name of the one policy.</param>
public sealed record RestoreNames(
    IReadOnlyList<string> Databases, IReadOnlyList<string> RetentionPolicies, string? NewDatabase, string? NewRetentionPolicy)
{
    public string DatabaseOf(string database) => NewDatabase ?? database;

    public string PolicyOf(string policy) => NewRetentionPolicy ?? policy;

    /// <summary>The text of a continuous query with the new names in it.</summary>
    /// <param name="text">The statement.</param>
    /// <param name="database">The database that it belongs to, as the backup calls it.</param>
    public string Rename(string text, string database) =>
        ContinuousQueryText.Rename(text, database, NewDatabase, RetentionPolicies.Count == 1 ? RetentionPolicies[0] : null, NewRetentionPolicy);
}
