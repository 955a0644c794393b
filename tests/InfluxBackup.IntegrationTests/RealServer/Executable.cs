using System.Diagnostics;

namespace InfluxBackup.IntegrationTests.RealServer;

/// <summary>Finding a program on the PATH and describing how to start it.</summary>
internal static class Executable
{
    /// <summary>The full path of a program on the PATH, or null.</summary>
    public static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);

    /// <summary>Both outputs redirected, and none of our INFLUXDB_ variables: influxd takes settings from them.</summary>
    public static ProcessStartInfo CreateStartInfo(string path, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(path, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string name in Environment.GetEnvironmentVariables().Keys.Cast<string>())
        {
            if (name.StartsWith("INFLUXDB_", StringComparison.Ordinal))
            {
                start.Environment.Remove(name);
            }
        }
        return start;
    }
}
