using System.Globalization;
using System.Text;

namespace InfluxBackup.Cli.Output;

/// <summary>Rows in aligned columns; a heading that begins with <c>&gt;</c> aligns its column to the right.</summary>
internal sealed class Table(params string[] headings)
{
    private const string Gap = "  ";

    private readonly List<string[]> rows = [];

    public Table Add(params string[] cells)
    {
        rows.Add(cells);
        return this;
    }

    public IEnumerable<string> Lines(string indent = "", TextStyle? style = null)
    {
        var heads = headings.Select(h => h.TrimStart('>')).ToArray();
        var widths = heads.Select((head, i) => rows.Select(r => Width(r[i])).Append(Width(head)).Max()).ToArray();
        var headline = indent + Line(heads, widths);
        return rows.Select(r => indent + Line(r, widths)).Prepend(style?.Dim(headline) ?? headline);
    }

    private string Line(string[] cells, int[] widths)
    {
        var line = new StringBuilder();
        for (var i = 0; i < cells.Length; i++)
        {
            var padding = new string(' ', widths[i] - Width(cells[i]));
            line.Append(i == 0 ? "" : Gap);
            line.Append(headings[i].StartsWith('>') ? padding + cells[i] : cells[i] + padding);
        }

        return line.ToString().TrimEnd();
    }

    /// <summary>Columns on a terminal: a letter with its combining marks takes one, a Chinese, Japanese or Korean one two.</summary>
    private static int Width(string text)
    {
        var width = 0;
        var letters = StringInfo.GetTextElementEnumerator(text);
        while (letters.MoveNext())
        {
            width += IsWide(Rune.GetRuneAt(letters.GetTextElement(), 0).Value) ? 2 : 1;
        }

        return width;
    }

    /// <summary>The blocks that Unicode's East Asian Width calls wide, coarsely.</summary>
    private static bool IsWide(int rune) =>
        rune is (>= 0x1100 and <= 0x115F) or (>= 0x2E80 and <= 0xA4CF) or (>= 0xAC00 and <= 0xD7A3) or (>= 0xF900 and <= 0xFAFF)
            or (>= 0xFE30 and <= 0xFE6F) or (>= 0xFF00 and <= 0xFF60) or (>= 0x1F300 and <= 0x1FAFF) or (>= 0x20000 and <= 0x3FFFD);
}
