namespace InfluxBackup.Http;

/// <summary>Writes names and strings into InfluxQL statements.</summary>
public static class InfluxQl
{
    /// <summary>A quoted identifier: backslash, double quote and line feed are escaped.</summary>
    public static string Identifier(string name) =>
        $"\"{name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}\"";

    /// <summary>A string: backslash, single quote and line feed are escaped.</summary>
    public static string Text(string text) =>
        $"'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}'";
}
