using InfluxBackup.Metadata;
using InfluxBackup.Tsm;

namespace InfluxBackup.Emulator;

/// <summary>
/// Type 7: takes TSM files into a shard. Nothing is ever answered; the end of the connection is the only sign, the same for
/// success and for most failures. The shard is locked meanwhile.
/// </summary>
internal sealed class ShardUpdateHandler(string dataDirectory, ShardStore shards, EmulatorLog log) : IRequestHandler
{
    public async Task HandleAsync(IncomingRequest request, FaultyStream connection, ActiveFaults faults, CancellationToken cancel)
    {
        // Closing with the upload unread is what makes the client see a reset.
        var shard = shards.Find(request.ShardId!.Value) ?? throw new RequestRefusedException("shard not found");
        var gate = shards.Gate(shard.Id);
        await gate.EnterForUploadAsync(cancel).ConfigureAwait(false);
        try
        {
            var store = faults.Find<Fault.DiscardUpload>() is null;
            var files = await ReadArchiveAsync(shard, store, connection, cancel).ConfigureAwait(false);
            foreach (var file in files)
            {
                TakeIntoUse(file);
            }
        }
        catch (TsmFormatException e)
        {
            log.Add($"can only read from tsm file: {e.Message}");
        }
        catch (Exception e) when (e is IOException or InvalidDataException or FormatException or UnauthorizedAccessException)
        {
            log.Add(e.Message);
        }
        finally
        {
            gate.LeaveAfterUpload();
        }
    }

    /// <summary>Writes the accepted entries as <c>NAME.tmp</c> and returns these names. An archive that ends between two entries counts as complete.</summary>
    private async Task<List<string>> ReadArchiveAsync(ShardKey shard, bool store, FaultyStream connection, CancellationToken cancel)
    {
        var written = new List<string>();
        var tar = new UploadTarReader(connection);
        while (await tar.NextAsync(cancel).ConfigureAwait(false))
        {
            if (store && IsAccepted(tar.Name, shard))
            {
                written.Add(await WriteTemporaryAsync(tar, cancel).ConfigureAwait(false));
            }
        }

        return written;
    }

    /// <summary>A plain prefix without a slash at its end, as on the server: <c>db/rp/10/x.tsm</c> passes for shard <c>db/rp/1</c>.</summary>
    private static bool IsAccepted(string name, ShardKey shard) =>
        name.EndsWith("tsm", StringComparison.Ordinal) && name.StartsWith(shard.Path, StringComparison.Ordinal);

    private async Task<string> WriteTemporaryAsync(UploadTarReader tar, CancellationToken cancel)
    {
        // A server would follow ".." out of its data directory; there the likeness ends.
        var path = Path.GetFullPath(Path.Combine(dataDirectory, tar.Name)) + ".tmp";
        if (!path.StartsWith(Path.GetFullPath(dataDirectory) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            throw new IOException($"open {tar.Name}: outside the data directory");
        }

        var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read);
        await using (file.ConfigureAwait(false))
        {
            await tar.CopyToAsync(file, cancel).ConfigureAwait(false);
        }

        return path;
    }

    /// <summary>Gives the file its name, over an older one of that name. What is no TSM file keeps its temporary name.</summary>
    private static void TakeIntoUse(string temporary)
    {
        using (var file = TsmFile.Open(temporary))
        using (var index = file.ReadIndex())
        {
            while (index.ReadKey())
            {
                // A key that can't be read throws.
            }
        }

        File.Move(temporary, temporary[..^".tmp".Length], overwrite: true);
    }
}
