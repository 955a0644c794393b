using System.Collections.Concurrent;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Emulator;

/// <summary>The backup service of 1.5 and later: mux byte, type byte, then the handler of that type.</summary>
internal sealed class RequestDispatcher : IConnectionHandler
{
    private readonly EmulatedDataNodeOptions options;
    private readonly FaultPlan plan;
    private readonly EmulatorLog log;
    private readonly ConcurrentQueue<ReceivedRequest> received;
    private readonly Dictionary<SnapshotterRequestType, IRequestHandler> handlers;
    private readonly UnknownRequestHandler unknown = new();

    public RequestDispatcher(EmulatedDataNodeOptions options, NodeStorage storage, FaultPlan plan, EmulatorLog log, ConcurrentQueue<ReceivedRequest> received)
    {
        this.options = options;
        this.plan = plan;
        this.log = log;
        this.received = received;
        var (metadata, shards) = (storage.Metadata, storage.Shards);
        var streamer = new ShardStreamer(storage, log);
        var info = new ShardInfoHandler(metadata, shards);
        handlers = new Dictionary<SnapshotterRequestType, IRequestHandler>
        {
            [SnapshotterRequestType.ShardBackup] = new ShardBackupHandler(streamer),
            [SnapshotterRequestType.MetastoreBackup] = new MetastoreBackupHandler(metadata),
            [SnapshotterRequestType.DatabaseInfo] = info,
            [SnapshotterRequestType.RetentionPolicyInfo] = info,
            [SnapshotterRequestType.ShardExport] = new ShardExportHandler(streamer, log),
            [SnapshotterRequestType.MetastoreUpdate] = new MetastoreUpdateHandler(metadata, shards, log, options.SingleReadUpload),
            [SnapshotterRequestType.ShardUpdate] = new ShardUpdateHandler(storage.DataDirectory, shards, log),
        };
    }

    public async Task HandleAsync(FaultyStream connection, CancellationToken cancel)
    {
        if (await MuxHeader.IsSnapshotterAsync(connection, options.MuxTimeout, log, cancel).ConfigureAwait(false))
        {
            await ServeAsync(connection, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>What follows the mux byte.</summary>
    public async Task ServeAsync(FaultyStream connection, CancellationToken cancel)
    {
        var type = new byte[1];
        if (await connection.ReadAsync(type, cancel).ConfigureAwait(false) == 0)
        {
            throw new RequestRefusedException("read request: EOF");
        }

        var request = await RequestReader.ReadAsync(connection, (SnapshotterRequestType)type[0], cancel).ConfigureAwait(false);
        received.Enqueue(new ReceivedRequest(request.Type, request.ShardId, request.Body));
        var faults = plan.Take(new FaultedRequest(FaultedService.Snapshotter, request.Type, request.ShardId));
        connection.Arm(faults);
        if (faults.Find<Fault.SnapshotInProgress>() is not null)
        {
            throw new RequestRefusedException("snapshot in progress");
        }

        var handler = handlers.GetValueOrDefault(request.Type, unknown);
        await handler.HandleAsync(request, connection, faults, cancel).ConfigureAwait(false);
        await connection.FinishAsync().ConfigureAwait(false);
    }
}
