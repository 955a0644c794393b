using InfluxBackup.BackupSets;
using InfluxBackup.Operations;

namespace InfluxBackup.Cli.Output;

/// <summary>Backups of a set for people.</summary>
internal static class ManifestReport
{
    public static IEnumerable<string> Overview(IReadOnlyList<BackupInfo> backups, TextStyle style)
    {
        var table = new Table("BACKUP", "OUTCOME", "SOURCE", ">SHARDS", ">SIZE", ">STORED", "DATABASES");
        foreach (var backup in backups)
        {
            table.Add(
                backup.Timestamp, Outcome(backup), backup.Source ?? "-", $"{backup.ShardCount}", Text.Size(backup.Size), Text.Size(backup.StoredSize), string.Join(", ", backup.Databases));
        }

        return table.Lines(style: style);
    }

    public static IEnumerable<string> Lines(BackupInfo backup, TextStyle style)
    {
        yield return $"Backup {style.Bold(backup.Timestamp)} in {backup.Path}";
        yield return $"  outcome   {(backup.Outcome is { } outcome ? Text.Outcome(outcome, style) : "not recorded (made by another program)")}{(backup.IsLimited ? ", not the whole server" : "")}";
        if (backup.Source is { } source)
        {
            yield return $"  source    {source}{(backup.ServerVersion is { } version ? $" (InfluxDB {version})" : "")}, by influxbackup {backup.ToolVersion}";
        }

        if (backup.Since is { } since)
        {
            yield return $"  since     {Text.Time(since)} UTC: shards without changes since then are in earlier backups";
        }

        if (backup.Strategy is { } strategy)
        {
            yield return $"  strategy  {strategy}{(strategy == BackupStrategy.Incremental && backup.IsLimited ? ": unchanged shards are in earlier backups" : "")}";
        }

        yield return $"  size      {Text.Size(backup.Size)}, {Text.Size(backup.StoredSize)} stored";
        if (backup.Users.Count > 0)
        {
            yield return $"  users     {string.Join(", ", backup.Users)}";
        }

        if (backup.ContinuousQueries.Count > 0)
        {
            yield return $"  queries   {string.Join(", ", backup.ContinuousQueries)}";
        }

        foreach (var line in Shards(backup.Shards, style).Concat(backup.Warnings.Select(w => $"  {style.Yellow("warning:")} {w}")))
        {
            yield return line;
        }
    }

    private static IEnumerable<string> Shards(IReadOnlyList<ShardInfo> shards, TextStyle style)
    {
        if (shards.Count == 0)
        {
            return ["  no shards"];
        }

        var table = new Table("DATABASE", "POLICY", ">SHARD", "START", "END", ">FILES", ">SIZE", ">STORED");
        foreach (var shard in shards)
        {
            table.Add(
                shard.Database, shard.RetentionPolicy, $"{shard.ShardId}", Text.Time(shard.StartTime), Text.Time(shard.EndTime),
                shard.TsmFiles?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "-", Text.Size(shard.Size), shard.IsPresent ? Text.Size(shard.StoredSize) : "missing");
        }

        return table.Lines("  ", style);
    }

    private static string Outcome(BackupInfo backup) => backup.Outcome?.ToString() ?? "-";
}
