using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace InfluxBackup.Emulator;

/// <summary>An answer, written as Go's net/http writes it: the headers of the handler by name, then date, length and the type that was guessed.</summary>
internal sealed class HttpResponse
{
    public const string Json = "application/json";
    public const string Binary = "application/octet-stream";
    public const string PlainText = "text/plain; charset=utf-8";

    /// <summary>A longer body is sent in chunks, because Go does not wait for its end to count it.</summary>
    private const int LargestCountedBody = 2048;
    private const int ChunkSize = 4096;

    private static readonly Dictionary<int, string> Reasons = new()
    {
        [200] = "OK",
        [204] = "No Content",
        [307] = "Temporary Redirect",
        [400] = "Bad Request",
        [401] = "Unauthorized",
        [403] = "Forbidden",
        [404] = "Not Found",
        [409] = "Conflict",
        [413] = "Request Entity Too Large",
        [500] = "Internal Server Error",
        [502] = "Bad Gateway",
        [503] = "Service Unavailable",
    };

    public SortedDictionary<string, string> Headers { get; } = new(StringComparer.Ordinal);

    public int Status { get; set; } = 200;

    public byte[] Body { get; set; } = [];

    /// <summary>Whether the handler named no type, so that text is assumed.</summary>
    public bool IsTypeGuessed { get; init; }

    /// <summary>Whether no other request is taken on this connection.</summary>
    public bool Closes { get; set; }

    /// <summary>A body with a type; without one the type is guessed.</summary>
    public static HttpResponse Of(byte[] body, string? contentType = null, int status = 200)
    {
        var response = new HttpResponse { Status = status, Body = body, IsTypeGuessed = contentType is null };
        if (contentType is not null)
        {
            response.Headers["Content-Type"] = contentType;
        }

        return response;
    }

    public static HttpResponse Of(string body, string? contentType = null, int status = 200) => Of(Encoding.UTF8.GetBytes(body), contentType, status);

    /// <summary>Go's <c>http.Error</c>: plain text and a line feed.</summary>
    public static HttpResponse TextError(int status, string text)
    {
        var response = Of($"{text}\n", PlainText, status);
        response.Headers["X-Content-Type-Options"] = "nosniff";
        return response;
    }

    /// <summary>The server's own form of an error.</summary>
    public static HttpResponse JsonError(int status, string text)
    {
        var response = Of($$"""{"error":{{GoJson.Text(text)}}}""", Json, status);
        response.Headers[status == 401 ? "Www-Authenticate" : "X-Influxdb-Error"] = status == 401 ? "Basic realm=\"InfluxDB\"" : text;
        return response;
    }

    /// <summary>Packs the body, as servers do for who accepts it, when the status is 200.</summary>
    public void Compress()
    {
        if (Status != 200)
        {
            return;
        }

        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(Body);
        }

        Body = packed.ToArray();
        Headers["Content-Encoding"] = "gzip";
    }

    public byte[] ToBytes()
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {Status} {Reasons.GetValueOrDefault(Status, "Unknown")}\r\n");
        foreach (var (name, value) in Headers)
        {
            text.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"Date: {DateTime.UtcNow:R}\r\n");
        var isChunked = Body.Length > LargestCountedBody;
        if (Status != 204)
        {
            text.Append(isChunked ? "Transfer-Encoding: chunked\r\n" : string.Create(CultureInfo.InvariantCulture, $"Content-Length: {Body.Length}\r\n"));
        }

        if (IsTypeGuessed && Body.Length > 0 && !Headers.ContainsKey("Content-Encoding"))
        {
            text.Append($"Content-Type: {PlainText}\r\n");
        }

        if (Closes)
        {
            text.Append("Connection: close\r\n");
        }

        return [.. Encoding.UTF8.GetBytes(text.Append("\r\n").ToString()), .. isChunked ? Chunks() : Body];
    }

    private byte[] Chunks()
    {
        using var chunks = new MemoryStream();
        for (var at = 0; at < Body.Length; at += ChunkSize)
        {
            var size = Math.Min(ChunkSize, Body.Length - at);
            chunks.Write(Encoding.ASCII.GetBytes($"{size:x}\r\n"));
            chunks.Write(Body, at, size);
            chunks.Write("\r\n"u8);
        }

        chunks.Write("0\r\n\r\n"u8);
        return chunks.ToArray();
    }
}
