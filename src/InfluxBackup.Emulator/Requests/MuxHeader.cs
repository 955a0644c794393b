using InfluxBackup.Snapshotter;

namespace InfluxBackup.Emulator;

/// <summary>The multiplexer in front of the service (influxdb, tcp/mux.go): the first byte names the service.</summary>
internal static class MuxHeader
{
    /// <summary>Whether the snapshotter is meant. Otherwise the connection is to be closed as it is: data left unread reset it.</summary>
    public static async Task<bool> IsSnapshotterAsync(Stream connection, TimeSpan timeout, EmulatorLog log, CancellationToken cancel)
    {
        var header = await ReadAsync(connection, timeout, log, cancel).ConfigureAwait(false);
        if (header is { } other and not SnapshotterProtocol.MuxHeader)
        {
            log.Add($"tcp.Mux: handler not registered: {other}. Connection closed", "mux");
        }

        return header == SnapshotterProtocol.MuxHeader;
    }

    /// <summary>The first byte; null if none comes in time.</summary>
    public static async Task<byte?> ReadAsync(Stream connection, TimeSpan timeout, EmulatorLog log, CancellationToken cancel)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limited.CancelAfter(timeout);
        var header = new byte[1];
        try
        {
            if (await connection.ReadAsync(header, limited.Token).ConfigureAwait(false) == 1)
            {
                return header[0];
            }

            log.Add("tcp.Mux: cannot read header byte: EOF", "mux");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            log.Add("tcp.Mux: cannot read header byte: i/o timeout", "mux");
        }

        return null;
    }
}
