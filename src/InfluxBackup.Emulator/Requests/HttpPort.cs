namespace InfluxBackup.Emulator;

/// <summary>An HTTP API that was taken for the backup service: to Go's HTTP server the first line is a malformed request.</summary>
internal sealed class HttpPort : IConnectionHandler
{
    private static readonly byte[] Answer = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"u8.ToArray();

    public async Task HandleAsync(FaultyStream connection, CancellationToken cancel)
    {
        var buffer = new byte[4096];
        for (int read; (read = await connection.ReadAsync(buffer, cancel).ConfigureAwait(false)) > 0;)
        {
            if (buffer.AsSpan(0, read).Contains((byte)'\n'))
            {
                await connection.WriteAsync(Answer, cancel).ConfigureAwait(false);
                return;
            }
        }
    }
}
