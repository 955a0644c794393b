using System.Text;
using InfluxBackup.Http;

namespace InfluxBackup.Operations;

/// <summary>
/// Finds in a server's answer which lines could not be parsed. The server quotes each of them, in their order:
/// <code>partial write: unable to parse 'm,bad': missing tag value⏎unable to parse 'x y': invalid field format dropped=0</code>
/// </summary>
internal static class ImportRefusal
{
    private const string NextLine = "\n" + WriteAnswer.UnableToParse;

    /// <summary>The reason for each line that was quoted, by its index; null unless all of the answer can be understood so.</summary>
    public static IReadOnlyDictionary<int, string>? Unparsed(WriteAnswer answer, ImportBatch batch, int from, int to)
    {
        // Other trouble than that of parsing hides this one.
        var message = answer.Reason;
        if (!message.StartsWith(WriteAnswer.UnableToParse, StringComparison.Ordinal))
        {
            return null;
        }

        // With the end of a quote in it, one line could be the beginning of what is quoted of another.
        if (batch.Lines(from, to).Span.IndexOf("': "u8) >= 0)
        {
            return null;
        }

        var found = new Dictionary<int, string>();
        var at = 0;
        for (var i = from; i < to && at < message.Length; i++)
        {
            var quote = WriteAnswer.UnableToParse + Encoding.UTF8.GetString(batch.SentLine(i)) + "': ";
            if (string.CompareOrdinal(message, at, quote, 0, quote.Length) == 0)
            {
                var end = message.IndexOf(NextLine, at + quote.Length, StringComparison.Ordinal);
                end = end < 0 ? message.Length : end;
                found[i] = message[at..end];
                at = end + 1;
            }
        }

        return at > message.Length && found.Count > 0 ? found : null;
    }
}
