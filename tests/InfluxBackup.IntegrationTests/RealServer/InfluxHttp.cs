using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace InfluxBackup.IntegrationTests.RealServer;

/// <summary>Writing and asking over a server's HTTP API. Every refusal is an <see cref="InfluxHttpException"/>.</summary>
public sealed class InfluxHttp : IDisposable
{
    private readonly HttpClient _client;

    public InfluxHttp(Uri address, string? user = null, string? password = null)
    {
        // Counting everything in a large server takes minutes.
        _client = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(15) };
        if (user is not null)
        {
            string login = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));
            _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", login);
        }
    }

    /// <summary>A name as InfluxQL wants it: in double quotes.</summary>
    public static string Quote(string identifier) => "\"" + Escape(identifier, '"') + "\"";

    /// <summary>A string as InfluxQL wants it: in single quotes.</summary>
    public static string Literal(string text) => "'" + Escape(text, '\'') + "'";

    /// <summary>Whether the server answers at all.</summary>
    public async Task<bool> IsAnsweringAsync(CancellationToken cancel = default)
    {
        try
        {
            using var answer = await _client.GetAsync(new Uri("/ping", UriKind.Relative), cancel);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    public Task CreateDatabaseAsync(string name, CancellationToken cancel = default) =>
        ExecuteAsync("CREATE DATABASE " + Quote(name), cancel: cancel);

    public Task WriteAsync(string lines, string database, string? policy = null, string precision = "ns", CancellationToken cancel = default) =>
        WriteAsync(Encoding.UTF8.GetBytes(lines), database, policy, precision, cancel);

    /// <summary>Writes points; a point refused is a failure, whatever became of the others.</summary>
    public async Task WriteAsync(
        ReadOnlyMemory<byte> lines, string database, string? policy = null, string precision = "ns", CancellationToken cancel = default)
    {
        string address = $"/write?db={Uri.EscapeDataString(database)}&precision={precision}"
            + (policy is null ? "" : "&rp=" + Uri.EscapeDataString(policy));
        using var content = new ReadOnlyMemoryContent(lines);
        using var answer = await _client.PostAsync(new Uri(address, UriKind.Relative), content, cancel);
        if (!answer.IsSuccessStatusCode)
        {
            throw new InfluxHttpException($"write to {database}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancel)}");
        }
    }

    /// <summary>The server's answer as it came, times in nanoseconds.</summary>
    public async Task<byte[]> QueryBytesAsync(string query, string? database = null, CancellationToken cancel = default)
    {
        var form = new Dictionary<string, string> { ["q"] = query, ["epoch"] = "ns" };
        if (database is not null)
        {
            form["db"] = database;
        }
        using var content = new FormUrlEncodedContent(form);
        using var answer = await _client.PostAsync(new Uri("/query", UriKind.Relative), content, cancel);
        byte[] body = await answer.Content.ReadAsByteArrayAsync(cancel);
        return answer.IsSuccessStatusCode
            ? body
            : throw new InfluxHttpException($"{query}: {(int)answer.StatusCode} {Encoding.UTF8.GetString(body)}");
    }

    /// <summary>The series of the answer, of all statements one after another.</summary>
    public async Task<IReadOnlyList<QuerySeries>> QueryAsync(string query, string? database = null, CancellationToken cancel = default)
    {
        using var answer = JsonDocument.Parse(await QueryBytesAsync(query, database, cancel));
        var series = new List<QuerySeries>();
        foreach (var result in answer.RootElement.GetProperty("results").EnumerateArray())
        {
            if (result.TryGetProperty("error", out var error))
            {
                throw new InfluxHttpException($"{query}: {error.GetString()}");
            }
            if (result.TryGetProperty("series", out var found))
            {
                series.AddRange(found.EnumerateArray().Select(QuerySeries.Parse));
            }
        }
        return series;
    }

    /// <summary>A statement whose answer is of no interest.</summary>
    public Task ExecuteAsync(string statement, string? database = null, CancellationToken cancel = default) =>
        QueryAsync(statement, database, cancel);

    /// <summary>One column of the answer's rows as plain text.</summary>
    public async Task<IReadOnlyList<string>> QueryColumnAsync(
        string query, string? database = null, string column = "name", CancellationToken cancel = default) =>
        [.. (await QueryAsync(query, database, cancel)).SelectMany(series => series.Column(column))];

    public void Dispose() => _client.Dispose();

    private static string Escape(string text, char quote) => text
        .Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace(quote.ToString(), "\\" + quote, StringComparison.Ordinal)
        .Replace("\n", "\\n", StringComparison.Ordinal);
}

/// <summary>The server refused a request.</summary>
public sealed class InfluxHttpException(string message) : Exception(message)
{
    /// <summary>A shard is just being restored, in the words of all versions.</summary>
    public bool IsShardBusy =>
        Message.Contains("shard is disabled", StringComparison.Ordinal) || Message.Contains("engine is closed", StringComparison.Ordinal);
}
