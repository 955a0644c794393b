namespace InfluxBackup.Emulator;

/// <summary>Type 0: the files of a shard that were modified strictly after a time.</summary>
internal sealed class ShardBackupHandler(ShardStreamer streamer) : IRequestHandler
{
    public Task HandleAsync(IncomingRequest request, FaultyStream connection, ActiveFaults faults, CancellationToken cancel)
    {
        var since = GoTime.Parse(request.Body!.Since);
        return streamer.StreamAsync(request.Body.ShardId, connection, faults, SendAsync, cancel);

        async Task<bool> SendAsync(SnapshotFile file, ShardTarWriter tar, CancellationToken cancel)
        {
            if (GoTime.Of(file.ModifiedUtc) > since)
            {
                await tar.WriteAsync(file, cancel).ConfigureAwait(false);
            }

            return true;
        }
    }
}
