using InfluxBackup.Metadata;

namespace InfluxBackup.Emulator;

/// <summary>Sends one file of a snapshot, in whichever form; returns whether the walk over the files goes on.</summary>
internal delegate Task<bool> SendFile(SnapshotFile file, ShardTarWriter tar, CancellationToken cancel);

/// <summary>
/// What shard backup and shard export have in common: take a snapshot, walk over its files, end the archive. Like a server it
/// ends the archive correctly whenever the walk stops between two files, for whatever reason.
/// </summary>
internal sealed class ShardStreamer(NodeStorage storage, EmulatorLog log)
{
    private readonly ShardStore shards = storage.Shards;

    public async Task StreamAsync(ulong id, FaultyStream connection, ActiveFaults faults, SendFile send, CancellationToken cancel)
    {
        var shard = shards.Find(id) ?? throw new RequestRefusedException($"shard {id} doesn't exist on this server");
        using var snapshot = await TakeSnapshotAsync(shard, cancel).ConfigureAwait(false);
        var tar = new ShardTarWriter(connection);
        var drop = faults.Find<Fault.DropShard>();
        var sent = 0;
        foreach (var file in snapshot.Files)
        {
            if (sent++ == drop?.FilesSent)
            {
                storage.Drop(shard);
            }

            if (snapshot.IsGone)
            {
                log.Add($"lstat {file.Name}: no such file or directory");
                break;
            }

            if (!await send(file, tar, cancel).ConfigureAwait(false))
            {
                break;
            }
        }

        await tar.FinishAsync(faults.Find<Fault.Trailer>()?.ZeroBlocks ?? 2, cancel).ConfigureAwait(false);
        if (drop is not null)
        {
            storage.Drop(shard);
        }
    }

    private async Task<ShardSnapshot> TakeSnapshotAsync(ShardKey shard, CancellationToken cancel)
    {
        var gate = shards.Gate(shard.Id);
        if (!await gate.EnterAsync(cancel).ConfigureAwait(false))
        {
            throw new RequestRefusedException("shard is disabled");
        }

        try
        {
            return ShardSnapshot.Take(shards.DirectoryOf(shard), shard);
        }
        finally
        {
            gate.Leave();
        }
    }
}
