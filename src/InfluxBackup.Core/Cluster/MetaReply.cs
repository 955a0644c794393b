using System.Net;
using System.Text;
using System.Text.Json;

namespace InfluxBackup.Cluster;

/// <summary>A request to a meta node. It may be sent again when it is not known whether it was carried out.</summary>
/// <param name="Path">Path and query.</param>
/// <param name="Body">Sent with POST; without one the request is a GET.</param>
internal sealed record MetaRequest(string Path, byte[]? Body = null);

/// <summary>The answer of a meta node, or of whatever listens where one was expected.</summary>
/// <param name="MetaIndex">Header <c>Influxdb-Metaindex</c>, which only meta nodes send.</param>
/// <param name="Version">Header <c>X-Influxdb-Version</c>, which data nodes' HTTP API sends too.</param>
internal sealed record MetaReply(MetaNodeAddress Node, HttpStatusCode Status, byte[] Body, string? MetaIndex, string? Version, Uri? Location)
{
    private const int EnoughToShow = 300;

    public bool IsRedirect => Status is HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;

    /// <summary>The text of an error: of the JSON object that meta nodes send, or the body as it is.</summary>
    public string ErrorText
    {
        get
        {
            var text = Encoding.UTF8.GetString(Body.AsSpan(0, Math.Min(Body.Length, 64 << 10))).Trim();
            if (text.StartsWith('{'))
            {
                try
                {
                    using var json = JsonDocument.Parse(text);
                    text = json.RootElement.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.String ? error.GetString()! : text;
                }
                catch (JsonException)
                {
                    // Then the text itself is what there is to show.
                }
            }

            text = string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
            return text.Length == 0 ? "no reason given" : text.Length > EnoughToShow ? text[..EnoughToShow] + "…" : text;
        }
    }
}
