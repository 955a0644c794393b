using InfluxBackup.Snapshotter;

namespace InfluxBackup.Emulator;

/// <summary>The multiplexer in front of the service (influxdb, tcp/mux.go): the first byte names the service.</summary>
internal static class MuxHeader
{
    /// <summary>Whether the snapshotter is meant. Otherwise the connection is to be closed as it is: data left unread reset it.</summary>
    public static async Task<bool> ReadAsync(Stream connection, TimeSpan timeout, EmulatorLog log, CancellationToken cancel)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limited.CancelAfter(timeout);
        var header = new byte[1];
        try
        {
            if (await connection.ReadAsync(header, limited.Token).ConfigureAwait(false) == 0)
            {
                log.Add("tcp.Mux: cannot read header byte: EOF", "mux");
                return false;
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            log.Add("tcp.Mux: cannot read header byte: i/o timeout", "mux");
            return false;
        }

        if (header[0] != SnapshotterProtocol.MuxHeader)
        {
            log.Add($"tcp.Mux: handler not registered: {header[0]}. Connection closed", "mux");
            return false;
        }

        return true;
    }
}
