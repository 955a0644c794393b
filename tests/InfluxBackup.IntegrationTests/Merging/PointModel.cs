using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.IntegrationTests.Merging;

/// <summary>One value of one field of one series at one time.</summary>
internal sealed record PointPlace(string Policy, string Measurement, string Tags, string Field, string Time);

/// <summary>All values of a database, each with its place: what two databases merged must hold can be told from both.</summary>
internal sealed class PointModel
{
    private readonly Dictionary<PointPlace, string> values = [];

    public int Count => values.Count;

    public IEnumerable<PointPlace> Places => values.Keys;

    /// <summary>Reads a database of a server by plain queries.</summary>
    public static async Task<PointModel> ReadAsync(InfluxHttp http, string database, CancellationToken cancel)
    {
        var model = new PointModel();
        foreach (var policy in await http.QueryColumnAsync($"SHOW RETENTION POLICIES ON {InfluxHttp.Quote(database)}", cancel: cancel))
        {
            foreach (var series in await http.QueryAsync($"SELECT * FROM {InfluxHttp.Quote(database)}.{InfluxHttp.Quote(policy)}./.*/ GROUP BY *", cancel: cancel))
            {
                var tags = PointSnapshot.TagText(series.Tags);
                foreach (var row in series.Rows)
                {
                    for (var i = 1; i < row.Count; i++)
                    {
                        if (row[i] is { } value)
                        {
                            // A second row of the same time would be a second value of one place.
                            model.values.Add(new PointPlace(policy, series.Name, tags, series.Columns[i], row[0]!), value);
                        }
                    }
                }
            }
        }

        return model;
    }

    /// <summary>Both, and where both have a value the upper one's.</summary>
    public static PointModel Overlay(PointModel lower, PointModel upper)
    {
        var both = new PointModel();
        foreach (var (place, value) in lower.values.Concat(upper.values))
        {
            both.values[place] = value;
        }

        return both;
    }

    /// <summary>Some of the values.</summary>
    public PointModel Where(Func<PointPlace, bool> isWanted)
    {
        var some = new PointModel();
        foreach (var (place, value) in values.Where(v => isWanted(v.Key)))
        {
            some.values.Add(place, value);
        }

        return some;
    }

    /// <summary>The same under another policy's name.</summary>
    public PointModel InPolicy(string policy)
    {
        var renamed = new PointModel();
        foreach (var (place, value) in values)
        {
            renamed.values.Add(place with { Policy = policy }, value);
        }

        return renamed;
    }

    /// <summary>What another one has differently, in words; none means equal.</summary>
    public IReadOnlyList<string> DifferencesFrom(PointModel actual) =>
        [.. values.Keys.Union(actual.values.Keys)
            .Where(place => values.GetValueOrDefault(place) != actual.values.GetValueOrDefault(place))
            .Select(place => $"{place}: {values.GetValueOrDefault(place) ?? "nothing"} expected, {actual.values.GetValueOrDefault(place) ?? "nothing"} found")
            .Take(20)];
}
