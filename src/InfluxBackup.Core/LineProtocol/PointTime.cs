using System.Buffers.Text;

namespace InfluxBackup.LineProtocol;

/// <summary>The time of a point, the last word of its line.</summary>
internal static class PointTime
{
    /// <summary>Reads it; null where the line has none, or something else stands there.</summary>
    /// <param name="fields">The line after measurement and tags.</param>
    public static long? Read(ReadOnlySpan<byte> fields)
    {
        fields = fields.TrimEnd((byte)' ');
        var word = fields[(fields.LastIndexOf((byte)' ') + 1)..];
        return word.Length < fields.Length && Utf8Parser.TryParse(word, out long time, out var used) && used == word.Length ? time : null;
    }

    /// <summary>Whether a line has fields and nothing after them: its last word is, or ends, a field.</summary>
    /// <param name="fields">The line after measurement and tags.</param>
    public static bool IsMissing(ReadOnlySpan<byte> fields)
    {
        fields = fields.TrimEnd((byte)' ');
        var word = fields[(fields.LastIndexOf((byte)' ') + 1)..];
        return word.ContainsAny((byte)'=', (byte)'"');
    }
}
