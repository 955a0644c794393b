using System.Net;

namespace InfluxBackup.Emulator;

/// <summary>A request as it came in; names of headers are compared without regard to case.</summary>
internal sealed record HttpRequest(string Method, string Target, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    /// <summary>The target without its query, decoded.</summary>
    public string Path => WebUtility.UrlDecode(Target.Split('?')[0]);

    /// <summary>The parameters of the target, and those of a form in the body, which come first.</summary>
    public ILookup<string, string> Parameters => Pairs(IsForm ? System.Text.Encoding.UTF8.GetString(Body) : "").Concat(Query).ToLookup(p => p.Key, p => p.Value, StringComparer.Ordinal);

    private IEnumerable<KeyValuePair<string, string>> Query => Pairs(Target.Contains('?', StringComparison.Ordinal) ? Target[(Target.IndexOf('?', StringComparison.Ordinal) + 1)..] : "");

    private bool IsForm => Header("Content-Type").StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase);

    public string Header(string name) => Headers.GetValueOrDefault(name, "");

    /// <summary>A parameter; empty where it is missing.</summary>
    public string Parameter(string name) => Parameters[name].FirstOrDefault("");

    /// <summary>The query as Go's <c>url.Values.Encode</c> writes it: ordered by name.</summary>
    public string SortedQuery => string.Join('&', Query.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{WebUtility.UrlEncode(p.Key)}={WebUtility.UrlEncode(p.Value)}"));

    private static IEnumerable<KeyValuePair<string, string>> Pairs(string text) =>
        text.Split('&', StringSplitOptions.RemoveEmptyEntries)
            .Select(p => p.Split('=', 2))
            .Select(p => KeyValuePair.Create(WebUtility.UrlDecode(p[0]), p.Length > 1 ? WebUtility.UrlDecode(p[1]) : ""));
}
