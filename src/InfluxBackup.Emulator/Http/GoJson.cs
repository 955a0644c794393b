using System.Text.Encodings.Web;
using System.Text.Json;

namespace InfluxBackup.Emulator;

/// <summary>JSON as Go's encoding/json writes it: letters beyond ASCII as they are, <c>&lt;</c>, <c>&gt;</c> and <c>&amp;</c> escaped.</summary>
internal static class GoJson
{
    private static readonly JsonSerializerOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A value; objects are written with their properties in the order of declaration.</summary>
    public static string Text<T>(T value) =>
        JsonSerializer.Serialize(value, Options)
            .Replace("<", "\\u003c", StringComparison.Ordinal)
            .Replace(">", "\\u003e", StringComparison.Ordinal)
            .Replace("&", "\\u0026", StringComparison.Ordinal);

    /// <summary>A value and the line feed that Go's encoder of streams puts behind it.</summary>
    public static string Line<T>(T value) => Text(value) + "\n";
}
