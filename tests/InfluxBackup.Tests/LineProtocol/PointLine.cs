using System.Globalization;
using System.Text;

namespace InfluxBackup.Tests.LineProtocol;

/// <summary>
/// One line of an export with a point in it, read as simply as can be: a line feed ends it but inside of a string value. Bytes are
/// characters (Latin-1), so that nothing is lost of what is not UTF-8.
/// </summary>
/// <param name="Context">The context lines above it, as <c>db/rp</c>; empty without any.</param>
/// <param name="Series">The series key, escaped as it stands.</param>
/// <param name="Fields">Names without their backslashes, and values as they are printed.</param>
/// <param name="Time">Nanoseconds.</param>
internal sealed record PointLine(string Context, string Series, IReadOnlyList<(string Name, string Value)> Fields, long Time)
{
    public static IEnumerable<PointLine> Parse(byte[] text) => Parse(Encoding.Latin1.GetString(text));

    /// <exception cref="FormatException">Something is neither a point nor a comment nor a statement between <c># DDL</c> and <c># DML</c>.</exception>
    public static IEnumerable<PointLine> Parse(string text)
    {
        var (database, policy, isStatements) = ("", "", false);
        for (var at = 0; at < text.Length;)
        {
            var line = TakeLine(text, ref at, isComment: text[at] == '#' || isStatements);
            if (line.StartsWith("# CONTEXT-DATABASE:", StringComparison.Ordinal))
            {
                database = line["# CONTEXT-DATABASE:".Length..];
            }
            else if (line.StartsWith("# CONTEXT-RETENTION-POLICY:", StringComparison.Ordinal))
            {
                policy = line["# CONTEXT-RETENTION-POLICY:".Length..];
            }
            else if (line.StartsWith("# D", StringComparison.Ordinal))
            {
                isStatements = line == "# DDL";
            }
            else if (!isStatements && !line.StartsWith("# ", StringComparison.Ordinal))
            {
                yield return ParsePoint(database.Length == 0 ? "" : $"{database}/{policy}", line);
            }
        }
    }

    /// <summary>The same points with one field a line, in no certain order.</summary>
    public IEnumerable<string> Split() => Fields.Select(f => $"{Context}|{Series}|{f.Name}|{Time}|{f.Value}");

    private static string TakeLine(string text, ref int at, bool isComment)
    {
        var isQuoted = false;
        // Quotes mean something behind the series alone: in names they are characters.
        var isBehindSeries = false;
        for (var i = at; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\\' when !isComment:
                    i++;
                    break;
                case ' ':
                    isBehindSeries = true;
                    break;
                case '"' when isBehindSeries && !isComment:
                    isQuoted = !isQuoted;
                    break;
                case '\n' when !isQuoted:
                    var line = text[at..i];
                    at = i + 1;
                    return line;
            }
        }
        throw new FormatException($"No line feed at the end: {text[at..]}");
    }

    private static PointLine ParsePoint(string context, string line)
    {
        var end = FindBare(line, 0, ' ', withQuotes: false);
        var time = line.LastIndexOf(' ');
        var fields = new List<(string, string)>();
        for (var at = end + 1; at < time;)
        {
            var equals = FindBare(line, at, '=', withQuotes: false);
            var comma = Math.Min(time, FindBare(line, equals + 1, ',', withQuotes: true));
            fields.Add((Unescape(line[at..equals]), line[(equals + 1)..comma]));
            at = comma + 1;
        }
        return fields.Count > 0
            ? new PointLine(context, line[..end], fields, long.Parse(line.AsSpan(time + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture))
            : throw new FormatException($"No field: {line}");
    }

    private static int FindBare(string line, int from, char wanted, bool withQuotes)
    {
        var isQuoted = false;
        for (var i = from; i < line.Length; i++)
        {
            if (line[i] == '\\')
            {
                i++;
            }
            else if (line[i] == '"' && withQuotes)
            {
                isQuoted = !isQuoted;
            }
            else if (line[i] == wanted && !isQuoted)
            {
                return i;
            }
        }
        return withQuotes ? line.Length : throw new FormatException($"No '{wanted}': {line}");
    }

    private static string Unescape(string name)
    {
        var text = new StringBuilder(name.Length);
        for (var i = 0; i < name.Length; i++)
        {
            if (name[i] == '\\' && i + 1 < name.Length && ",= \"".Contains(name[i + 1], StringComparison.Ordinal))
            {
                i++;
            }
            text.Append(name[i]);
        }
        return text.ToString();
    }
}
