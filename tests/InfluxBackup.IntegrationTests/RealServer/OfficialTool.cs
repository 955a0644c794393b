namespace InfluxBackup.IntegrationTests.RealServer;

/// <summary><c>influxd backup</c> and <c>influxd restore</c>, the tool that we replace and are measured against.</summary>
public static class OfficialTool
{
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(10);

    /// <summary><c>influxd backup -portable -host … ARGUMENTS PATH</c>; arguments such as <c>-database</c>, <c>name</c>.</summary>
    public static Task<ProcessRun> BackupAsync(
        string dataNode, string path, IEnumerable<string>? arguments = null, TimeSpan? timeout = null, CancellationToken cancel = default) =>
        RunAsync(["backup", "-portable", "-host", dataNode, .. arguments ?? [], path], timeout, cancel);

    /// <summary><c>influxd restore -portable -host … ARGUMENTS PATH</c>; arguments such as <c>-db</c>, <c>name</c>.</summary>
    public static Task<ProcessRun> RestoreAsync(
        string dataNode, string path, IEnumerable<string>? arguments = null, TimeSpan? timeout = null, CancellationToken cancel = default) =>
        RunAsync(["restore", "-portable", "-host", dataNode, .. arguments ?? [], path], timeout, cancel);

    /// <summary><c>influxd</c> with any arguments, for the legacy forms.</summary>
    public static Task<ProcessRun> RunAsync(IEnumerable<string> arguments, TimeSpan? timeout = null, CancellationToken cancel = default)
    {
        string influxd = Executable.Find("influxd") ?? throw new InvalidOperationException("influxd is not on the PATH.");
        return MeasuredProcess.RunAsync(influxd, arguments, timeout ?? DefaultTimeout, cancel);
    }
}
