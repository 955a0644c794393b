using System.Text;

namespace InfluxBackup.Emulator;

/// <summary>A series key taken apart: <c>measurement,tag=value,…</c>, where a backslash goes before commas, spaces and equals signs.</summary>
/// <param name="Measurement">Without backslashes.</param>
/// <param name="Tags">Without backslashes, in the order of their names.</param>
internal sealed record SeriesName(string Measurement, IReadOnlyDictionary<string, string> Tags)
{
    public static SeriesName Parse(string key)
    {
        var parts = Split(key, ',');
        var tags = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var tag in parts.Skip(1))
        {
            var pair = Split(tag, '=');
            tags[Unescape(pair[0])] = Unescape(string.Join('=', pair.Skip(1)));
        }

        return new SeriesName(Unescape(parts[0]), tags);
    }

    /// <summary>The parts between separators that have no backslash before them and are not inside double quotes, where those count.</summary>
    public static List<string> Split(string text, char separator, bool mindsQuotes = false)
    {
        var parts = new List<string>();
        var part = new StringBuilder();
        var isQuoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length)
            {
                part.Append(text[i++]).Append(text[i]);
            }
            else if (text[i] == separator && !isQuoted)
            {
                parts.Add(part.ToString());
                part.Clear();
            }
            else
            {
                isQuoted ^= mindsQuotes && text[i] == '"';
                part.Append(text[i]);
            }
        }

        parts.Add(part.ToString());
        return parts;
    }

    /// <summary>Without the backslashes before commas, spaces and equals signs; other backslashes stay.</summary>
    public static string Unescape(string text) =>
        text.Replace("\\,", ",", StringComparison.Ordinal).Replace("\\ ", " ", StringComparison.Ordinal).Replace("\\=", "=", StringComparison.Ordinal);
}
