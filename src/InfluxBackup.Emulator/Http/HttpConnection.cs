using System.Globalization;
using System.Text;

namespace InfluxBackup.Emulator;

/// <summary>Answers the requests of one connection, one after another: as much of HTTP/1.1 as clients of these servers use.</summary>
/// <param name="stream">The connection; faults happen on it.</param>
/// <param name="begun">Bytes that were taken from it already.</param>
internal sealed class HttpConnection(FaultyStream stream, ReadOnlyMemory<byte> begun)
{
    private const int LargestHead = 64 << 10;
    private const int LargestBody = 256 << 20;
    private ReadOnlyMemory<byte> buffered = begun;

    /// <summary>Serves until the client has no more requests.</summary>
    /// <param name="answer">Returns null where nothing can be answered any more: the connection is closed.</param>
    public async Task ServeAsync(Func<HttpRequest, CancellationToken, Task<HttpResponse?>> answer, CancellationToken cancel)
    {
        while (await ReadAsync(cancel).ConfigureAwait(false) is { } request)
        {
            var response = await answer(request, cancel).ConfigureAwait(false);
            if (response is null)
            {
                return;
            }

            response.Closes |= request.Header("Connection").Equals("close", StringComparison.OrdinalIgnoreCase);
            if (request.Header("Accept-Encoding").Contains("gzip", StringComparison.OrdinalIgnoreCase))
            {
                response.Compress();
            }

            await stream.WriteAsync(response.ToBytes(), cancel).ConfigureAwait(false);
            await stream.FinishAsync().ConfigureAwait(false);
            if (response.Closes)
            {
                return;
            }
        }
    }

    /// <summary>The next request; null at the end.</summary>
    private async Task<HttpRequest?> ReadAsync(CancellationToken cancel)
    {
        if (await ReadLineAsync(cancel).ConfigureAwait(false) is not { } first)
        {
            return null;
        }

        if (first.Split(' ') is not [var method, var target, "HTTP/1.1" or "HTTP/1.0"])
        {
            throw new RequestRefusedException("malformed HTTP request");
        }

        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (await ReadLineAsync(cancel).ConfigureAwait(false) is { Length: > 0 } line)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            headers[line[..Math.Max(0, colon)]] = line[(colon + 1)..].Trim();
        }

        var body = headers.GetValueOrDefault("Transfer-Encoding", "").Contains("chunked", StringComparison.OrdinalIgnoreCase)
            ? await ReadChunksAsync(cancel).ConfigureAwait(false)
            : await ReadBytesAsync(int.Parse(headers.GetValueOrDefault("Content-Length", "0"), CultureInfo.InvariantCulture), cancel).ConfigureAwait(false);
        return new HttpRequest(method, target, headers, body);
    }

    private async Task<byte[]> ReadChunksAsync(CancellationToken cancel)
    {
        using var body = new MemoryStream();
        while (await ReadLineAsync(cancel).ConfigureAwait(false) is { } line)
        {
            var size = int.Parse(line.Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            body.Write(await ReadBytesAsync(size, cancel).ConfigureAwait(false));
            await ReadLineAsync(cancel).ConfigureAwait(false);
            if (size == 0 || body.Length > LargestBody)
            {
                break;
            }
        }

        return body.ToArray();
    }

    private async Task<byte[]> ReadBytesAsync(int count, CancellationToken cancel)
    {
        if (count is < 0 or > LargestBody)
        {
            throw new RequestRefusedException("http: request body too large");
        }

        var bytes = new byte[count];
        var fill = Math.Min(count, buffered.Length);
        buffered[..fill].CopyTo(bytes);
        buffered = buffered[fill..];
        await stream.ReadExactlyAsync(bytes.AsMemory(fill), cancel).ConfigureAwait(false);
        return bytes;
    }

    /// <summary>A line without its end; null where the connection ends instead.</summary>
    private async Task<string?> ReadLineAsync(CancellationToken cancel)
    {
        int end;
        while ((end = buffered.Span.IndexOf((byte)'\n')) < 0)
        {
            var more = new byte[4096];
            var read = buffered.Length > LargestHead ? 0 : await stream.ReadAsync(more, cancel).ConfigureAwait(false);
            if (read == 0)
            {
                return null;
            }

            buffered = (byte[])[.. buffered.Span, .. more.AsSpan(0, read)];
        }

        var line = Encoding.UTF8.GetString(buffered.Span[..end]).TrimEnd('\r');
        buffered = buffered[(end + 1)..];
        return line;
    }
}
