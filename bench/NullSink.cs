using System.Net;
using System.Net.Sockets;
using System.Text;

namespace InfluxBackup.Bench;

/// <summary>
/// A server that takes everything at once and keeps nothing: what is measured against it is the importer alone. It answers
/// <c>/ping</c>, <c>/query</c> and <c>/write</c>, on connections that stay open, and counts the lines of the bodies that are not
/// compressed.
/// </summary>
internal static class NullSink
{
    private const string Version = "X-Influxdb-Version: 1.6.7\r\n";
    private static readonly byte[] NoContent = Encoding.ASCII.GetBytes("HTTP/1.1 204 No Content\r\n" + Version + "\r\n");
    private static readonly byte[] Answer = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\n" + Version + "Content-Type: application/json\r\nContent-Length: 34\r\n\r\n{\"results\":[{\"statement_id\":0}]}\r\n");
    private static long _lines;

    /// <summary>Writes its port to the standard output; ends when its standard input does, and writes the number of lines then.</summary>
    /// <param name="latency">How long a write takes, as with a server that is elsewhere and waits for its disk.</param>
    /// <param name="cancel">Ends it too.</param>
    public static async Task<int> RunAsync(TimeSpan latency, CancellationToken cancel)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Console.WriteLine(((IPEndPoint)listener.LocalEndpoint).Port);
        _ = AcceptAsync(listener, latency);
        await Console.In.ReadToEndAsync(cancel);
        Console.WriteLine(Interlocked.Read(ref _lines));
        return 0;
    }

    private static async Task AcceptAsync(TcpListener listener, TimeSpan latency)
    {
        while (true)
        {
            var client = await listener.AcceptTcpClientAsync();
            client.NoDelay = true;
            _ = Task.Run(() => ServeAsync(client, latency));
        }
    }

    private static async Task ServeAsync(TcpClient client, TimeSpan latency)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                byte[] buffer = new byte[256 << 10];
                int length = 0;
                while (true)
                {
                    int headEnd;
                    while ((headEnd = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8)) < 0)
                    {
                        int read = await stream.ReadAsync(buffer.AsMemory(length));
                        if (read == 0)
                        {
                            return;
                        }
                        length += read;
                    }
                    string head = Encoding.ASCII.GetString(buffer, 0, headEnd);
                    long body = ContentLength(head);
                    bool isWrite = head.StartsWith("POST /write", StringComparison.Ordinal);
                    int have = length - headEnd - 4;
                    Count(buffer.AsSpan(headEnd + 4, (int)Math.Min(have, body)), isWrite);
                    // What the client sends next waits for our answer.
                    body -= have;
                    while (body > 0)
                    {
                        int read = await stream.ReadAsync(buffer);
                        if (read == 0)
                        {
                            return;
                        }
                        Count(buffer.AsSpan(0, read), isWrite);
                        body -= read;
                    }
                    length = 0;
                    if (isWrite && latency > TimeSpan.Zero)
                    {
                        await Task.Delay(latency);
                    }
                    await stream.WriteAsync(isWrite || head.Contains(" /ping", StringComparison.Ordinal) ? NoContent : Answer);
                }
            }
            catch (IOException)
            {
                // The importer has gone.
            }
        }
    }

    private static void Count(ReadOnlySpan<byte> body, bool isWrite)
    {
        if (isWrite)
        {
            Interlocked.Add(ref _lines, System.MemoryExtensions.Count(body, (byte)'\n'));
        }
    }

    private static long ContentLength(string head)
    {
        const string name = "Content-Length:";
        int at = head.IndexOf(name, StringComparison.OrdinalIgnoreCase);
        return at < 0 ? 0 : long.Parse(head.AsSpan(at + name.Length, head.IndexOf('\n', at) is var end and > 0 ? end - at - name.Length : head.Length - at - name.Length));
    }
}
