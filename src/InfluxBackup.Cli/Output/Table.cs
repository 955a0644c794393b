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

    /// <summary>Letters, not code units: a name may be written with combining marks.</summary>
    private static int Width(string text) => new StringInfo(text).LengthInTextElements;
}
