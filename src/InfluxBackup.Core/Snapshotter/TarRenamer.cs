using System.Buffers;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Snapshotter;

/// <summary>
/// Rewrites a shard archive on its way to a server: the TSM files get the target shard's directory in their names, everything
/// else is left out (a server ignores it). The trailer is written by <see cref="Finish"/> alone, so that an archive that
/// breaks off never looks whole to the server.
/// </summary>
public sealed class TarRenamer(ShardKey target) : ITarVisitor
{
    private readonly ArrayBufferWriter<byte> output = new(GuardedArchive.PieceSize + (8 * TarScanner.BlockSize));
    private readonly List<ShardArchiveEntry> sent = [];
    private bool keep;
    private long size;

    /// <summary>Bytes ready to be sent; call <see cref="Clear"/> when they are.</summary>
    public ReadOnlyMemory<byte> Output => output.WrittenMemory;

    /// <summary>The files that were passed on.</summary>
    public IReadOnlyList<ShardArchiveEntry> Sent => sent;

    public void Clear() => output.ResetWrittenCount();

    /// <inheritdoc/>
    public void Begin(string name, long size, DateTime modified)
    {
        var file = name[(name.LastIndexOf('/') + 1)..];
        keep = ShardFileName.IsSafeTsmName(file);
        this.size = size;
        if (!keep)
        {
            return;
        }

        sent.Add(new ShardArchiveEntry(file, size, new DateTimeOffset(DateTime.SpecifyKind(modified, DateTimeKind.Utc))));
        TarEntryWriter.WriteHeader(output, $"{target.Path}/{file}", size, modified);
    }

    /// <inheritdoc/>
    public void Data(ReadOnlySpan<byte> data)
    {
        if (keep)
        {
            output.Write(data);
        }
    }

    /// <inheritdoc/>
    public void End()
    {
        if (keep)
        {
            TarEntryWriter.WritePadding(output, size);
        }
    }

    /// <summary>Writes the two zero blocks that end the archive.</summary>
    public void Finish() => TarEntryWriter.WriteTrailer(output);
}
