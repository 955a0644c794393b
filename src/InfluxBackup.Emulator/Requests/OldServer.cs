using System.Collections.Concurrent;
using System.Text.Json;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Emulator;

/// <summary>
/// The backup service of 0.10 to 1.4: the JSON follows the mux byte at once and its field <c>Type</c> decides. A request in the
/// newer form has a control byte there, which is no JSON, so it gets no answer.
/// </summary>
internal sealed class OldServer(EmulatedDataNodeOptions options, NodeStorage storage, FaultPlan plan, EmulatorLog log, ConcurrentQueue<ReceivedRequest> received) : IConnectionHandler
{
    public async Task HandleAsync(FaultyStream connection, CancellationToken cancel)
    {
        if (!await MuxHeader.IsSnapshotterAsync(connection, options.MuxTimeout, log, cancel).ConfigureAwait(false))
        {
            return;
        }

        var (json, rest) = await RequestReader.ReadJsonAsync(connection, cancel).ConfigureAwait(false);
        var type = TypeOf(json);
        if (type != SnapshotterRequestType.MetastoreBackup)
        {
            throw new RequestRefusedException($"request type unknown: {(int)type}");
        }

        var request = new IncomingRequest(type, null, new SnapshotterRequest(type), rest);
        received.Enqueue(new ReceivedRequest(type, null, request.Body));
        var faults = plan.Take(new FaultedRequest(FaultedService.Snapshotter, type));
        connection.Arm(faults);
        await new MetastoreBackupHandler(storage.Metadata).HandleAsync(request, connection, faults, cancel).ConfigureAwait(false);
        await connection.FinishAsync().ConfigureAwait(false);
    }

    private static SnapshotterRequestType TypeOf(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.TryGetProperty("Type", out var type) ? (SnapshotterRequestType)type.GetByte() : default;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new RequestRefusedException($"read request: {e.Message}");
        }
    }
}
