using System.Text;
using InfluxBackup.Http;

namespace InfluxBackup.Operations;

/// <summary>
/// Renames database and policy in the text of a continuous query. Servers keep the text normalised, with database and policy
/// filled in: <c>CREATE CONTINUOUS QUERY n ON db … INTO db.rp.m FROM db.rp.m …</c>. Names stand after ON, and first (and
/// second) in a chain of identifiers joined by dots; strings and regular expressions are passed over.
/// </summary>
public static class ContinuousQueryText
{
    /// <summary>The text with the names changed; as it is where neither changes.</summary>
    /// <param name="text">The statement.</param>
    /// <param name="database">Name of the database in it.</param>
    /// <param name="newDatabase">Its new name, or null.</param>
    /// <param name="policy">Name of the policy to rename, or null.</param>
    /// <param name="newPolicy">Its new name, or null.</param>
    public static string Rename(string text, string database, string? newDatabase, string? policy, string? newPolicy)
    {
        if (newDatabase is null && newPolicy is null)
        {
            return text;
        }

        var output = new StringBuilder(text.Length + 32);
        var position = 0;
        var afterOn = false;
        while (position < text.Length)
        {
            var start = position;
            var c = text[position];
            if (c == '\'')
            {
                position = EndOfQuoted(text, position);
                output.Append(text, start, position - start);
            }
            else if (c == '/' && StartsRegex(output))
            {
                position = EndOfQuoted(text, position);
                output.Append(text, start, position - start);
            }
            else if (c == '"' || IsIdentifierPart(c))
            {
                var chain = ReadChain(text, ref position);
                RenameChain(output, chain, afterOn, database, newDatabase, policy, newPolicy);
                afterOn = chain.Count == 1 && chain[0].Raw.Equals("ON", StringComparison.OrdinalIgnoreCase);
            }
            else
            {
                output.Append(c);
                position++;
            }
        }

        return output.ToString();
    }

    /// <summary>
    /// Whether a text is a whole statement of this name on this database: <c>CREATE CONTINUOUS QUERY n ON db [RESAMPLE …] BEGIN SELECT … INTO … END</c>,
    /// with all quotes and parentheses closed. What stands between is the server's to judge; text that is not even this is nonsense.
    /// </summary>
    public static bool IsWellFormed(string text, string name, string database)
    {
        var words = new List<string>();
        var names = new List<string>();
        var position = 0;
        var depth = 0;
        var before = new StringBuilder();
        while (position < text.Length && depth >= 0)
        {
            var start = position;
            var c = text[position];
            if (c == '\'' || (c == '/' && StartsRegex(before)))
            {
                position = EndOfQuoted(text, position);
                if (!IsClosed(text, start, position))
                {
                    return false;
                }
            }
            else if (c == '"' || IsIdentifierPart(c))
            {
                var chain = ReadChain(text, ref position);
                if (chain.Any(p => p.Raw.StartsWith('"') && !IsClosed(p.Raw, 0, p.Raw.Length)))
                {
                    return false;
                }

                words.Add(chain.Count == 1 ? chain[0].Raw.ToUpperInvariant() : "");
                names.Add(chain.Count == 1 ? chain[0].Name : "");
            }
            else
            {
                depth += c == '(' ? 1 : c == ')' ? -1 : 0;
                position++;
            }

            before.Append(text, start, position - start);
        }

        var begin = words.IndexOf("BEGIN");
        return depth == 0
            && words is ["CREATE", "CONTINUOUS", "QUERY", _, "ON", _, ..]
            && names[3] == name && names[5] == database
            && begin >= 6 && (begin == 6 || words[6] == "RESAMPLE")
            && words.Count > begin + 1 && words[begin + 1] == "SELECT"
            && words.IndexOf("INTO", begin) > begin && words.IndexOf("FROM", begin) > begin
            && words[^1] == "END" && text.TrimEnd().EndsWith("END", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whether what begins with a quote ends with the same, not escaped.</summary>
    private static bool IsClosed(string text, int start, int end)
    {
        var escapes = 0;
        while (end - 2 - escapes > start && text[end - 2 - escapes] == '\\')
        {
            escapes++;
        }

        return end - start >= 2 && text[end - 1] == text[start] && escapes % 2 == 0;
    }

    private static void RenameChain(
        StringBuilder output, List<(string Raw, string Name)> chain, bool afterOn, string database, string? newDatabase, string? policy, string? newPolicy)
    {
        // A chain of two parts is policy.measurement; of three, or with an empty second part, database.policy.measurement.
        var isQualified = chain.Count >= 3 || (chain.Count == 2 && afterOn);
        for (var i = 0; i < chain.Count; i++)
        {
            var (raw, name) = chain[i];
            var isDatabase = i == 0 && (isQualified || afterOn) && name == database && newDatabase is not null;
            var isPolicy = i == 1 && chain.Count >= 3 && chain[0].Name == database && name == policy && newPolicy is not null;
            output.Append(i > 0 ? "." : "").Append(isDatabase ? InfluxQl.Identifier(newDatabase!) : isPolicy ? InfluxQl.Identifier(newPolicy!) : raw);
        }
    }

    /// <summary>Identifiers joined by dots; a part may be empty (<c>db..m</c>) or be followed by <c>:MEASUREMENT</c> or a regular expression.</summary>
    private static List<(string Raw, string Name)> ReadChain(string text, ref int position)
    {
        var chain = new List<(string, string)>();
        while (true)
        {
            var start = position;
            if (position < text.Length && text[position] == '"')
            {
                position = EndOfQuoted(text, position);
                chain.Add((text[start..position], Unquote(text[(start + 1)..Math.Max(start + 1, position - 1)])));
            }
            else
            {
                while (position < text.Length && IsIdentifierPart(text[position]))
                {
                    position++;
                }

                chain.Add((text[start..position], text[start..position]));
            }

            if (position >= text.Length || text[position] != '.')
            {
                return chain;
            }

            position++;
        }
    }

    private static int EndOfQuoted(string text, int start)
    {
        var quote = text[start];
        for (var i = start + 1; i < text.Length; i++)
        {
            if (text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == quote)
            {
                return i + 1;
            }
        }

        return text.Length;
    }

    /// <summary>A slash begins a regular expression unless it divides: then a value stands before it, not one of these words or signs.</summary>
    private static bool StartsRegex(StringBuilder before)
    {
        var end = before.Length;
        while (end > 0 && char.IsWhiteSpace(before[end - 1]))
        {
            end--;
        }

        var start = end;
        while (start > 0 && IsIdentifierPart(before[start - 1]))
        {
            start--;
        }

        return start < end
            ? before.ToString(start, end - start).ToUpperInvariant() is "FROM" or "BY" or "SELECT"
            : end > 0 && before[end - 1] is '.' or '~' or ',' or '(';
    }

    private static bool IsIdentifierPart(char c) => char.IsLetterOrDigit(c) || c == '_';

    private static string Unquote(string inner) =>
        inner.Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\n", "\n", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal);
}
