using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.Bench;

/// <summary>Judges a backup that a process made: fast and incomplete does not count.</summary>
internal static class BackupMeasure
{
    public static Measure Of(ProcessRun run, string path, int shards)
    {
        var files = Directory.Exists(path) ? new DirectoryInfo(path).GetFiles("*", SearchOption.AllDirectories) : [];
        int archives = files.Count(file => file.Name.EndsWith(".tar.gz", StringComparison.Ordinal));
        int manifests = files.Count(file => file.Name.EndsWith(".manifest", StringComparison.Ordinal));
        string? failure = run.ExitCode != 0 ? $"exit code {run.ExitCode}: {run.Text}"
            : manifests == 0 ? "exit code 0 and no manifest"
            : archives != shards ? $"{archives} archives of {shards}"
            : null;
        return new Measure(run) { Bytes = files.Sum(file => file.Length), Failure = failure };
    }
}
