namespace InfluxBackup.IntegrationTests.RealServer;

/// <summary>
/// Asks a server for everything. Measurements are listed per database, so each is asked for in each policy; fields without
/// FROM are those of the default policy only, so they are asked for per policy too.
/// </summary>
internal sealed class PointSnapshotReader(InfluxHttp http)
{
    private readonly Dictionary<SeriesKey, IReadOnlyList<string>> _series = [];
    private readonly HashSet<FieldKey> _fields = [];
    private readonly HashSet<PolicyFacts> _policies = [];
    private readonly HashSet<(string Database, string Policy, string Measurement, string Field)> _fieldsWithValues = [];

    public async Task<PointSnapshot> ReadAsync(IEnumerable<string> databases, CancellationToken cancel)
    {
        var names = databases.ToHashSet();
        foreach (string database in names)
        {
            var measurements = await http.QueryColumnAsync("SHOW MEASUREMENTS", database, cancel: cancel);
            foreach (var policy in await ReadPoliciesAsync(database, cancel))
            {
                _policies.Add(policy);
                foreach (string measurement in measurements)
                {
                    await ReadPointsAsync(database, policy.Policy, measurement, cancel);
                }
                await ReadFieldsAsync(database, policy.Policy, cancel);
            }
        }
        return new PointSnapshot { Series = _series, Fields = _fields, Policies = _policies, Databases = names };
    }

    private async Task<IReadOnlyList<PolicyFacts>> ReadPoliciesAsync(string database, CancellationToken cancel)
    {
        var answer = await http.QueryAsync("SHOW RETENTION POLICIES ON " + InfluxHttp.Quote(database), cancel: cancel);
        return [.. answer.SelectMany(series => series.Column("name")
            .Zip(series.Column("duration"), series.Column("shardGroupDuration"))
            .Zip(series.Column("default"), (row, isDefault) => new PolicyFacts(database, row.First, row.Second, row.Third, isDefault == "true")))];
    }

    private async Task ReadPointsAsync(string database, string policy, string measurement, CancellationToken cancel)
    {
        string from = $"{InfluxHttp.Quote(database)}.{InfluxHttp.Quote(policy)}.{InfluxHttp.Quote(measurement)}";
        foreach (var series in await http.QueryAsync($"SELECT * FROM {from} GROUP BY *", database, cancel))
        {
            var columns = Enumerable.Range(1, series.Columns.Count - 1)
                .OrderBy(index => series.Columns[index], StringComparer.Ordinal)
                .ToArray();
            string[] points = [.. series.Rows.Select(row => PointText(series, row, columns)).Order(StringComparer.Ordinal)];
            _series.Add(new SeriesKey(database, policy, series.Name, PointSnapshot.TagText(series.Tags)), points);
            _fieldsWithValues.UnionWith(columns
                .Where(index => series.Rows.Any(row => row[index] is not null))
                .Select(index => (database, policy, series.Name, series.Columns[index])));
        }
    }

    // Column 0 is the time. A field without a value is left out: whether it has a column depends on the other series.
    private static string PointText(QuerySeries series, IReadOnlyList<string?> row, int[] columns) =>
        row[0] + " " + string.Join(',', columns.Where(index => row[index] is not null).Select(index => $"{series.Columns[index]}={row[index]}"));

    private async Task ReadFieldsAsync(string database, string policy, CancellationToken cancel)
    {
        foreach (var series in await http.QueryAsync($"SHOW FIELD KEYS FROM {InfluxHttp.Quote(policy)}./.*/", database, cancel))
        {
            foreach (var (field, type) in series.Column("fieldKey").Zip(series.Column("fieldType")))
            {
                if (_fieldsWithValues.Contains((database, policy, series.Name, field)))
                {
                    _fields.Add(new FieldKey(database, policy, series.Name, field, type));
                }
            }
        }
    }
}
