using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.Bench;

/// <summary>The command line tool that was built with the bench, as a process of its own.</summary>
internal static class OurTool
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(30);

    public static Task<ProcessRun> BackupAsync(string dataNode, string path, CancellationToken cancel, params string[] arguments) =>
        RunAsync(["backup", "--path", path, "--data-node", dataNode, "--json", .. arguments], cancel);

    public static Task<ProcessRun> RestoreAsync(InfluxServer target, string path, CancellationToken cancel) =>
        RunAsync(["restore", "--path", path, "--data-node", target.DataNode, "--http-uri", target.HttpAddress.ToString(), "--json"], cancel);

    public static Task<ProcessRun> ImportAsync(Uri server, string path, CancellationToken cancel, params string[] arguments) =>
        RunAsync(["import", "--path", path, "--http-uri", server.ToString(), "--json", .. arguments], cancel);

    /// <summary>The program and its arguments, to be started by whoever measures it in another way.</summary>
    public static IReadOnlyList<string> Command(params string[] arguments)
    {
        string host = Path.Combine(AppContext.BaseDirectory, "influxbackup");
        return File.Exists(host) ? [host, .. arguments] : ["dotnet", host + ".dll", .. arguments];
    }

    public static Task<ProcessRun> RunAsync(string[] arguments, CancellationToken cancel)
    {
        var command = Command(arguments);
        return MeasuredProcess.RunAsync(command[0], command.Skip(1), Timeout, cancel);
    }
}
