using System.Text.Json;

namespace InfluxBackup.IntegrationTests.RealServer;

/// <summary>
/// One series of a query's answer. Cells are text that keeps every bit and every type apart: numbers as the server wrote
/// them (a double would lose int64 and -0), strings in double quotes, null for no value.
/// </summary>
public sealed record QuerySeries(
    string Name,
    IReadOnlyDictionary<string, string> Tags,
    IReadOnlyList<string> Columns,
    IReadOnlyList<IReadOnlyList<string?>> Rows)
{
    /// <summary>A column's values as plain text, without the quotes of strings.</summary>
    public IEnumerable<string> Column(string name)
    {
        int index = Columns.ToList().IndexOf(name);
        return index < 0 ? [] : Rows.Select(row => Plain(row[index]));
    }

    public static string Plain(string? cell) => cell is ['"', .. var text, '"'] ? text : cell ?? "";

    internal static QuerySeries Parse(JsonElement series) => new(
        series.TryGetProperty("name", out var name) ? name.GetString()! : "",
        series.TryGetProperty("tags", out var tags)
            ? tags.EnumerateObject().ToDictionary(tag => tag.Name, tag => tag.Value.GetString()!, StringComparer.Ordinal)
            : [],
        [.. series.GetProperty("columns").EnumerateArray().Select(column => column.GetString()!)],
        series.TryGetProperty("values", out var rows)
            ? [.. rows.EnumerateArray().Select(row => (IReadOnlyList<string?>)[.. row.EnumerateArray().Select(Cell)])]
            : []);

    private static string? Cell(JsonElement cell) => cell.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.String => "\"" + cell.GetString() + "\"",
        _ => cell.GetRawText(),
    };
}
