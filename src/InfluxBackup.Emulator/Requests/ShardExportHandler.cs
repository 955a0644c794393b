using InfluxBackup.Transfer;
using InfluxBackup.Tsm;

namespace InfluxBackup.Emulator;

/// <summary>
/// Type 5: the files of a shard that overlap a time range, cut down to the blocks that do. With the defects of all servers,
/// which the request's most useful purpose rests on: a range without data makes it a flush of the write cache, answered by an empty
/// archive, or by a broken one where there is a tombstone.
/// </summary>
internal sealed class ShardExportHandler(ShardStreamer streamer, EmulatorLog log) : IRequestHandler
{
    public Task HandleAsync(IncomingRequest request, FaultyStream connection, ActiveFaults faults, CancellationToken cancel)
    {
        var start = GoTime.UnixNano(GoTime.Parse(request.Body!.ExportStart));
        var end = GoTime.UnixNano(GoTime.Parse(request.Body.ExportEnd));
        var tombstones = new HashSet<string>(StringComparer.Ordinal);
        return streamer.StreamAsync(request.Body.ShardId, connection, faults, SendAsync, cancel);

        async Task<bool> SendAsync(SnapshotFile file, ShardTarWriter tar, CancellationToken cancel)
        {
            if (!file.IsTsm)
            {
                tombstones.Add(ShardFileName.TsmOf(file.Name));
                await tar.WriteAsync(file, cancel).ConfigureAwait(false);
                return true;
            }

            if (tombstones.Contains(file.Name))
            {
                // The server means to send the tombstone once more, under the TSM file's header, and looks for it in the wrong directory.
                await tar.WriteHeaderAsync(file, cancel).ConfigureAwait(false);
                throw new RequestRefusedException($"open {Path.GetFileNameWithoutExtension(file.Name)}.tombstone: no such file or directory");
            }

            return await SendTsmAsync(file, start, end, tar, cancel).ConfigureAwait(false);
        }
    }

    private async Task<bool> SendTsmAsync(SnapshotFile file, long start, long end, ShardTarWriter tar, CancellationToken cancel)
    {
        TsmBlockFile tsm;
        try
        {
            tsm = await TsmBlockFile.ReadAsync(file.Content, cancel).ConfigureAwait(false);
        }
        catch (TsmFormatException e)
        {
            log.Add($"can only read from tsm file: {e.Message}");
            return false;
        }

        // A file with exactly the limits of the range meets both conditions and is sent twice, as by a server.
        if (tsm.ReachesBeyond(start, end))
        {
            if (tsm.Select(start, end) is not { } selected)
            {
                log.Add("no values written");
                return false;
            }

            var cut = file with { Content = new MemoryStream(selected), Size = selected.Length, ModifiedUtc = DateTime.UtcNow };
            await tar.WriteAsync(cut, cancel).ConfigureAwait(false);
        }

        if (tsm.MinTime >= start && tsm.MaxTime <= end)
        {
            await tar.WriteAsync(file, cancel).ConfigureAwait(false);
        }

        return true;
    }
}
