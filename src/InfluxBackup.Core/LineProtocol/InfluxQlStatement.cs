using System.Text;

namespace InfluxBackup.LineProtocol;

/// <summary>
/// A statement of the DDL part of an export, as far as an import has to understand it:
/// <code>
/// CREATE DATABASE name [WITH … NAME policy]
/// CREATE RETENTION POLICY policy ON name …
/// </code>
/// Other statements are kept as text.
/// </summary>
public sealed class InfluxQlStatement
{
    private static readonly string[] Verbs = ["CREATE", "ALTER", "DROP", "GRANT", "REVOKE", "SET", "SHOW", "SELECT", "DELETE", "KILL", "EXPLAIN"];

    private static readonly string[] Objects =
    [
        "DATABASE", "DATABASES", "RETENTION", "USER", "USERS", "CONTINUOUS", "SUBSCRIPTION", "MEASUREMENT", "MEASUREMENTS", "SERIES", "SHARD",
        "SHARDS", "PASSWORD", "ALL", "READ", "WRITE",
    ];

    private readonly List<Token> tokens;

    private InfluxQlStatement(string text)
    {
        Text = text;
        tokens = Tokenize(text);
        if (Is(0, "CREATE") && Is(1, "DATABASE") && tokens.Count > 2)
        {
            CreatedDatabase = tokens[2].Name;
            var name = tokens.FindIndex(3, t => !t.IsQuoted && t.Name.Equals("NAME", StringComparison.OrdinalIgnoreCase));
            CreatedPolicy = name >= 0 && name + 1 < tokens.Count ? tokens[name + 1].Name : null;
        }
        else if (Is(0, "CREATE") && Is(1, "RETENTION") && Is(2, "POLICY") && Is(4, "ON") && tokens.Count > 5)
        {
            CreatedPolicy = tokens[3].Name;
            PolicyDatabase = tokens[5].Name;
        }
    }

    /// <summary>As it stands in the file, without white space around it.</summary>
    public string Text { get; }

    /// <summary>The text without passwords, for messages.</summary>
    public string SafeText
    {
        get
        {
            var password = tokens.FindIndex(t => !t.IsQuoted && t.Name.Equals("PASSWORD", StringComparison.OrdinalIgnoreCase));
            return password < 0 ? Text : Text[..tokens[password].End] + " [REDACTED]";
        }
    }

    public bool HasPassword => !ReferenceEquals(SafeText, Text);

    /// <summary>The database that it creates.</summary>
    public string? CreatedDatabase { get; }

    /// <summary>The policy that it creates.</summary>
    public string? CreatedPolicy { get; }

    /// <summary>The database that <see cref="CreatedPolicy"/> is created in by a statement of its own.</summary>
    public string? PolicyDatabase { get; }

    /// <summary>Whether it names a database in one of the known forms.</summary>
    public string? Database => CreatedDatabase ?? PolicyDatabase;

    public static InfluxQlStatement Parse(string text) => new(text.Trim());

    /// <summary>Whether a line is a statement and can't be a point: it begins with two words of InfluxQL.</summary>
    public static bool IsStatement(ReadOnlySpan<byte> line) => Begins(line, Objects);

    /// <summary>Whether a line begins with a verb of InfluxQL, which is enough in the DDL part.</summary>
    public static bool HasVerb(ReadOnlySpan<byte> line) => Begins(line, null);

    /// <summary>The same statement for other names, which come quoted as InfluxQL wants them.</summary>
    public InfluxQlStatement WithNames(string database, string? policy)
    {
        var changed = new StringBuilder(Text);
        // From the end, so that the places before stay right.
        for (var i = tokens.Count - 1; i > 1; i--)
        {
            var isDatabase = CreatedDatabase is not null ? i == 2 : i == 5;
            var isPolicy = CreatedDatabase is not null
                ? i > 3 && !tokens[i - 1].IsQuoted && tokens[i - 1].Name.Equals("NAME", StringComparison.OrdinalIgnoreCase)
                : i == 3;
            if (isDatabase || (isPolicy && policy is not null))
            {
                changed.Remove(tokens[i].Start, tokens[i].End - tokens[i].Start).Insert(tokens[i].Start, isDatabase ? database : policy!);
            }
        }

        return new InfluxQlStatement(changed.ToString());
    }

    /// <inheritdoc/>
    public override string ToString() => SafeText;

    private bool Is(int index, string word) =>
        index < tokens.Count && !tokens[index].IsQuoted && tokens[index].Name.Equals(word, StringComparison.OrdinalIgnoreCase);

    private static bool Begins(ReadOnlySpan<byte> line, string[]? objects)
    {
        var verb = Word(ref line);
        if (!Verbs.Any(v => IsWord(verb, v)))
        {
            return false;
        }

        return objects is null || Contains(objects, Word(ref line));
    }

    private static bool Contains(string[] words, string word) => words.Contains(word, StringComparer.OrdinalIgnoreCase);

    private static bool IsWord(string word, string expected) => word.Equals(expected, StringComparison.OrdinalIgnoreCase);

    /// <summary>The next word, when it is one of letters; long ones are none of ours.</summary>
    private static string Word(ref ReadOnlySpan<byte> line)
    {
        line = line.TrimStart(" \t"u8);
        var length = line.IndexOfAny((byte)' ', (byte)'\t', (byte)';');
        length = length < 0 ? line.Length : length;
        var word = length <= 16 ? Encoding.ASCII.GetString(line[..length]) : "";
        line = line[length..];
        return word;
    }

    /// <summary>Words, quoted names and strings; other characters are of no interest.</summary>
    private static List<Token> Tokenize(string text)
    {
        var tokens = new List<Token>();
        var at = 0;
        while (at < text.Length)
        {
            var c = text[at];
            var start = at++;
            if (c is '"' or '\'')
            {
                var name = new StringBuilder();
                while (at < text.Length && text[at] != c)
                {
                    if (text[at] == '\\' && at + 1 < text.Length)
                    {
                        at++;
                        name.Append(text[at] == 'n' ? '\n' : text[at]);
                    }
                    else
                    {
                        name.Append(text[at]);
                    }

                    at++;
                }

                at = Math.Min(text.Length, at + 1);
                tokens.Add(new Token(name.ToString(), start, at, true));
            }
            else if (!char.IsWhiteSpace(c) && c != ';')
            {
                while (at < text.Length && !char.IsWhiteSpace(text[at]) && text[at] is not (';' or '"' or '\''))
                {
                    at++;
                }

                tokens.Add(new Token(text[start..at], start, at, false));
            }
        }

        return tokens;
    }

    private readonly record struct Token(string Name, int Start, int End, bool IsQuoted);
}
