using System.Globalization;
using System.Text;
using System.Text.Json;
using InfluxBackup.Http;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations;

/// <summary>Asks a server whether it has values of its own where a backup has some.</summary>
/// <param name="http">The server.</param>
/// <param name="database">The database on it.</param>
/// <param name="retentionPolicy">The policy on it.</param>
internal sealed class LivePoints(InfluxHttpClient http, string database, string retentionPolicy)
{
    /// <summary>Statements of one request.</summary>
    private const int AtOnce = 50;

    /// <summary>Those of the points at whose series, field and time the server has a value, whichever it is.</summary>
    public async Task<IReadOnlySet<SamplePoint>> FindAsync(IReadOnlyList<SamplePoint> points, CancellationToken cancel)
    {
        var found = new HashSet<SamplePoint>(ReferenceEqualityComparer.Instance);
        foreach (var chunk in points.Chunk(AtOnce))
        {
            var series = chunk.Select(p => (Point: p, Tags: TagsOf(p.Series))).ToList();
            using var answer = await http.QueryAsync(string.Join(';', series.Select(s => Select(s.Point, s.Tags))), cancel).ConfigureAwait(false);
            foreach (var ((point, tags), result) in series.Zip(answer.RootElement.GetProperty("results").EnumerateArray()))
            {
                // The condition lets series with more tags pass too.
                if (Series(result).Any(s => HasTags(s, tags)))
                {
                    found.Add(point);
                }
            }
        }

        return found;
    }

    /// <summary>Whether the server has any value of the point's field between two times.</summary>
    public async Task<bool> HasFieldAsync(SamplePoint point, TimeRange times, CancellationToken cancel)
    {
        var statement = string.Create(CultureInfo.InvariantCulture, $"SELECT {Field(point)} FROM {From(point)} WHERE time >= {times.Min} AND time <= {times.Max} LIMIT 1");
        using var answer = await http.QueryAsync(statement, cancel).ConfigureAwait(false);
        return answer.RootElement.GetProperty("results").EnumerateArray().SelectMany(Series).Any();
    }

    private string Select(SamplePoint point, SortedDictionary<string, string> tags)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"SELECT {Field(point)} FROM {From(point)} WHERE time = {point.Time}");
        foreach (var (key, value) in tags)
        {
            text.Append(CultureInfo.InvariantCulture, $" AND {InfluxQl.Identifier(key)}::tag = {InfluxQl.Text(value)}");
        }

        return text.Append(" GROUP BY *").ToString();
    }

    /// <summary>A tag may have the same name.</summary>
    private static string Field(SamplePoint point) => $"{InfluxQl.Identifier(point.Name.Field)}::field";

    private string From(SamplePoint point) =>
        $"{InfluxQl.Identifier(database)}.{InfluxQl.Identifier(retentionPolicy)}.{InfluxQl.Identifier(point.Name.Measurement)}";

    private static IEnumerable<JsonElement> Series(JsonElement result) =>
        result.TryGetProperty("series", out var series) ? series.EnumerateArray() : [];

    /// <summary>A series has an empty value for each tag of its measurement that it lacks.</summary>
    private static bool HasTags(JsonElement series, SortedDictionary<string, string> tags)
    {
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (series.TryGetProperty("tags", out var all))
        {
            foreach (var tag in all.EnumerateObject().Where(t => t.Value.GetString() is { Length: > 0 }))
            {
                found[tag.Name] = tag.Value.GetString()!;
            }
        }

        return found.SequenceEqual(tags);
    }

    /// <summary>The tags of a series key: <c>measurement,key=value,…</c>, with a backslash before commas, spaces and equals signs in them.</summary>
    internal static SortedDictionary<string, string> TagsOf(ReadOnlySpan<byte> series)
    {
        var tags = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var rest = series[TsmKey.MeasurementOf(series).Length..];
        while (!rest.IsEmpty)
        {
            rest = rest[1..];
            var end = EndOf(rest, (byte)',');
            var tag = rest[..end];
            var equals = EndOf(tag, (byte)'=');
            tags[FieldName.Unescape(tag[..equals], ",= "u8)] = equals < tag.Length ? FieldName.Unescape(tag[(equals + 1)..], ",= "u8) : "";
            rest = rest[end..];
        }

        return tags;
    }

    private static int EndOf(ReadOnlySpan<byte> text, byte separator)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == separator)
            {
                return i;
            }
        }

        return text.Length;
    }
}
