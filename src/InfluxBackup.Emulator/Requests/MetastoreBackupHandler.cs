using InfluxBackup.Snapshotter;

namespace InfluxBackup.Emulator;

/// <summary>Type 1: the metadata as they lie in <c>meta.db</c>. No node record is attached to the service since 0.13.</summary>
internal sealed class MetastoreBackupHandler(EmulatedMetadata metadata) : IRequestHandler
{
    private static readonly byte[] NoNode = "null\n"u8.ToArray();

    public async Task HandleAsync(IncomingRequest request, FaultyStream connection, ActiveFaults faults, CancellationToken cancel) =>
        await connection.WriteAsync(new MetastoreBackup(metadata.ReadBytes(), NoNode).ToBytes(), cancel).ConfigureAwait(false);
}
