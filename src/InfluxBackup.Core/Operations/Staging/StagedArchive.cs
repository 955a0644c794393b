using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations.Staging;

/// <summary>
/// Reads an archive to its end and shows its TSM files and tombstones to a reader, in the order of the archive. While the reader looks
/// at one, the next is unpacked.
/// </summary>
internal sealed class StagedArchive(ShardKey shard, IShardFileReader reader, StagingArea area) : ITarVisitor
{
    private readonly string prefix = shard.Path + "/";
    private List<StagedFile> ready = [];
    private StagedFile? current;

    /// <summary>Reads everything; what the reader throws ends the reading.</summary>
    /// <exception cref="InfluxBackupException">The archive breaks a rule. What came before it has been shown.</exception>
    public async Task ReadAsync(GuardedArchive archive, CancellationToken cancel)
    {
        var scanner = new TarScanner(this, shard.ToString());
        var reading = Task.CompletedTask;
        try
        {
            while (await archive.ReadAsync(cancel).ConfigureAwait(false) is { IsEmpty: false } piece)
            {
                scanner.Append(piece.Span);
                if (ready.Count > 0)
                {
                    // No more than one lot waits: what is unpacked faster than it is looked at would pile up.
                    await reading.ConfigureAwait(false);
                    reading = Show(cancel);
                }
            }
        }
        finally
        {
            try
            {
                await reading.ConfigureAwait(false);
            }
            finally
            {
                Release();
            }
        }
    }

    /// <inheritdoc/>
    public void Begin(string name, long size, DateTime modified)
    {
        var isWanted = ShardFileName.IsTsm(name) || ShardFileName.IsTombstone(name);
        // The guard has made sure that the name begins with the shard's path.
        current = isWanted ? area.Begin(name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name, size) : null;
    }

    /// <inheritdoc/>
    public void Data(ReadOnlySpan<byte> data) => current?.Write(data);

    /// <inheritdoc/>
    public void End()
    {
        if (current is not null)
        {
            ready.Add(current);
            current = null;
        }
    }

    private Task Show(CancellationToken cancel)
    {
        var files = ready;
        ready = [];
        return Task.Run(
            () =>
            {
                try
                {
                    foreach (var file in files)
                    {
                        Show(file, cancel);
                    }
                }
                finally
                {
                    files.ForEach(f => f.Dispose());
                }
            },
            CancellationToken.None);
    }

    private void Show(StagedFile file, CancellationToken cancel)
    {
        if (ShardFileName.IsTsm(file.Name))
        {
            using var tsm = file.OpenTsm();
            reader.ReadTsm(file.Name, tsm, cancel);
        }
        else
        {
            reader.ReadTombstone(file.Name, file.OpenStream(), file.Length, cancel);
        }

        file.Dispose();
    }

    private void Release()
    {
        current?.Dispose();
        ready.ForEach(f => f.Dispose());
        (current, ready) = (null, []);
    }
}
