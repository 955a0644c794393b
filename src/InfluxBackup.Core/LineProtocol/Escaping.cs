using System.Buffers;

namespace InfluxBackup.LineProtocol;

/// <summary>
/// What stands behind a backslash in line protocol. Backslashes themselves are not escaped but in string values; one before
/// another character is a character like any other.
/// <code>
/// measurement            comma, space
/// tag key, tag value     comma, equals, space
/// field name             comma, equals, space, and as the official export does it the double quote
/// string value           double quote, backslash
/// </code>
/// A line feed ends the line but in a string value, and nothing escapes it. A tab or zero byte at the beginning of a line is passed
/// over (a measurement of that name becomes another), and nothing escapes these either. A line that begins with a number sign can be
/// written, but is a comment to every reader.
/// </summary>
internal static class Escaping
{
    private static readonly SearchValues<byte> InFieldName = SearchValues.Create(", =\""u8);
    private static readonly SearchValues<byte> NotFirst = SearchValues.Create(" ,\t\0"u8);
    private static readonly SearchValues<byte> InString = SearchValues.Create("\"\\"u8);

    /// <summary>Whether the lines of a series are comments to every reader.</summary>
    public static bool IsComment(ReadOnlySpan<byte> key) => key.StartsWith("#"u8);

    /// <summary>Whether a series key can stand in a line at all.</summary>
    public static bool IsWritableSeries(ReadOnlySpan<byte> key) => IsWritable(key) && !key.IsEmpty && !NotFirst.Contains(key[0]);

    /// <summary>
    /// Whether a field name can stand in a line at all. A line feed can behind a backslash, which takes it along and stays in the
    /// name: such names are stored with both.
    /// </summary>
    public static bool IsWritable(ReadOnlySpan<byte> name)
    {
        if (!name.Contains((byte)'\n'))
        {
            return true;
        }
        for (var i = 0; i < name.Length; i++)
        {
            if (name[i] == '\n')
            {
                return false;
            }
            i += name[i] == '\\' ? 1 : 0;
        }
        return true;
    }

    /// <summary>Writes a field name that is given as stored, unescaped; at most twice its length.</summary>
    /// <returns>How many bytes were written.</returns>
    public static int WriteFieldName(ReadOnlySpan<byte> name, Span<byte> destination) => Write(name, destination, InFieldName);

    /// <summary>Writes the text of a string value, without quotes around it; at most twice its length.</summary>
    /// <returns>How many bytes were written.</returns>
    public static int WriteString(ReadOnlySpan<byte> text, Span<byte> destination) => Write(text, destination, InString);

    private static int Write(ReadOnlySpan<byte> text, Span<byte> destination, SearchValues<byte> escaped)
    {
        var written = 0;
        while (true)
        {
            var plain = text.IndexOfAny(escaped);
            if (plain < 0)
            {
                text.CopyTo(destination[written..]);
                return written + text.Length;
            }
            text[..plain].CopyTo(destination[written..]);
            written += plain;
            destination[written++] = (byte)'\\';
            destination[written++] = text[plain];
            text = text[(plain + 1)..];
        }
    }
}
