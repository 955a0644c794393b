using System.Text;

namespace InfluxBackup.Snapshotter;

/// <summary>Finds out what listens on a port when it does not answer as a data node of 1.5 to 1.12 does.</summary>
public sealed class SnapshotterDiagnosis(DataNodeAddress address, SnapshotterOptions options)
{
    private const int EnoughToTell = 64 << 20;

    /// <summary>What is there instead of a data node.</summary>
    public static InfluxBackupException NotASnapshotter(DataNodeAddress address, Exception? inner = null) =>
        new("NotADataNode", ErrorKind.Connection, $"What listens on {address} is not an InfluxDB 1.x backup service.", inner)
        {
            Subject = address.ToString(),
            Remedy = "Give the host and port of bind-address in influxdb.conf (default 8088), not those of the HTTP API or of a meta node.",
        };

    /// <summary>Turns a strange answer to a metastore backup into an error that names the cause.</summary>
    public async Task<InfluxBackupException> ExplainAsync(ReadOnlyMemory<byte> answer, CancellationToken cancel)
    {
        if (answer.Span.StartsWith("HTTP/"u8))
        {
            return new InfluxBackupException(
                "HttpPortGiven", ErrorKind.InvalidArgument, $"{address} answers in HTTP: that is the port of InfluxDB's HTTP API, not of its backup service.")
            {
                Subject = address.ToString(),
                Remedy = $"Give the port of bind-address in influxdb.conf, by default {address.Host}:{DataNodeAddress.DefaultPort}.",
            };
        }

        if (answer.Length > 0)
        {
            return NotASnapshotter(address);
        }

        return await SpeaksTheOldFormAsync(cancel).ConfigureAwait(false)
            ? new InfluxBackupException(
                "ServerTooOld", ErrorKind.Unsupported, $"Data node {address} is an InfluxDB server of version 0.10 to 1.4, whose backup service works differently.")
            {
                Subject = address.ToString(),
                Remedy = "Servers 1.5 to 1.12 are supported. Take the backup with the server's own influxd backup, or upgrade the server.",
            }
            : new InfluxBackupException(
                "DataNodeSilent", ErrorKind.Connection, $"Data node {address} closed the connection without an answer to the request for its metadata.")
            {
                Subject = address.ToString(),
                Remedy = "Look at the server's log for lines with service=snapshot; if the port is behind a TLS proxy, use TLS.",
                IsTransient = true,
            };
    }

    /// <summary>Servers 0.10 to 1.4 read the JSON right after the mux header, without a type byte.</summary>
    private async Task<bool> SpeaksTheOldFormAsync(CancellationToken cancel)
    {
        try
        {
            var connection = await SnapshotterConnection.OpenAsync(address, options, cancel).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                byte[] request = [SnapshotterProtocol.MuxHeader, .. Encoding.UTF8.GetBytes($"{{\"Type\":1,\"Database\":\"\",\"RetentionPolicy\":\"\",\"ShardID\":0,\"Since\":\"{SnapshotterRequest.ZeroTime}\"}}\n")];
                await connection.WriteAsync(request, cancel).ConfigureAwait(false);
                return MetastoreBackup.HasMagic(await connection.ReadToEndAsync(EnoughToTell, cancel).ConfigureAwait(false));
            }
        }
        catch (InfluxBackupException)
        {
            // No answer in the old form either, which is the answer to the question here.
            return false;
        }
    }
}
