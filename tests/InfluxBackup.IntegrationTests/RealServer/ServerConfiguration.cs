using System.Text;

namespace InfluxBackup.IntegrationTests.RealServer;

/// <summary>The configuration file of a test server: loopback only, quiet, everything in one directory.</summary>
internal static class ServerConfiguration
{
    public static string Text(InfluxServerOptions options, string directory, string snapshotAddress, Uri httpAddress)
    {
        var text = new StringBuilder();
        text.AppendLine("reporting-disabled = true");
        text.AppendLine($"bind-address = \"{snapshotAddress}\"");
        text.AppendLine("[meta]");
        text.AppendLine($"dir = {TomlString(Path.Combine(directory, "meta"))}");
        text.AppendLine("[data]");
        text.AppendLine($"dir = {TomlString(Path.Combine(directory, "data"))}");
        text.AppendLine($"wal-dir = {TomlString(Path.Combine(directory, "wal"))}");
        text.AppendLine($"index-version = \"{(options.Index == SeriesIndex.Tsi1 ? "tsi1" : "inmem")}\"");
        text.AppendLine("query-log-enabled = false");
        foreach (string setting in options.DataSettings)
        {
            text.AppendLine(setting);
        }
        text.AppendLine("[monitor]");
        text.AppendLine($"store-enabled = {(options.MonitorStore ? "true" : "false")}");
        text.AppendLine("store-interval = \"1s\"");
        text.AppendLine("[http]");
        text.AppendLine($"bind-address = \"{httpAddress.Authority}\"");
        text.AppendLine($"auth-enabled = {(options.Authentication ? "true" : "false")}");
        text.AppendLine("log-enabled = false");
        text.AppendLine($"max-body-size = {options.MaxBodySize}");
        return text.ToString();
    }

    private static string TomlString(string value) =>
        "\"" + value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";
}
