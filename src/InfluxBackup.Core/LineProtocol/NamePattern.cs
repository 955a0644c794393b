using System.Text;

namespace InfluxBackup.LineProtocol;

/// <summary>
/// A name with wildcards: <c>*</c> stands for any number of bytes, <c>?</c> for one character, a backslash takes the meaning from the
/// one behind it. Case counts, as it does in InfluxDB.
/// </summary>
internal sealed class NamePattern
{
    private readonly byte[] text;

    /// <summary>Which bytes of the text are wildcards.</summary>
    private readonly bool[] isWild;

    public NamePattern(string pattern)
    {
        var bytes = Encoding.UTF8.GetBytes(pattern);
        var literal = new List<byte>(bytes.Length);
        var wild = new List<bool>(bytes.Length);
        for (var i = 0; i < bytes.Length; i++)
        {
            var isEscape = bytes[i] == '\\' && i + 1 < bytes.Length && bytes[i + 1] is (byte)'*' or (byte)'?' or (byte)'\\';
            i += isEscape ? 1 : 0;
            literal.Add(bytes[i]);
            wild.Add(!isEscape && bytes[i] is (byte)'*' or (byte)'?');
        }
        (text, isWild) = ([.. literal], [.. wild]);
    }

    public bool Matches(ReadOnlySpan<byte> name)
    {
        // On a mismatch the last star takes one byte more: linear in practice, and never exponential.
        var (at, from, star, starFrom) = (0, 0, -1, 0);
        while (from < name.Length)
        {
            if (at < text.Length && isWild[at] && text[at] == '*')
            {
                (star, starFrom) = (at++, from);
            }
            else if (at < text.Length && isWild[at])
            {
                at++;
                from += CharacterLength(name[from..]);
            }
            else if (at < text.Length && text[at] == name[from])
            {
                at++;
                from++;
            }
            else if (star >= 0)
            {
                (at, from) = (star + 1, ++starFrom);
            }
            else
            {
                return false;
            }
        }
        while (at < text.Length && isWild[at] && text[at] == '*')
        {
            at++;
        }
        return at == text.Length;
    }

    private static int CharacterLength(ReadOnlySpan<byte> text) =>
        Rune.DecodeFromUtf8(text, out _, out var consumed) == System.Buffers.OperationStatus.Done ? consumed : 1;
}
