using System.Buffers;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.BackupSets;

/// <summary>Files on disk as the tar stream of a shard: headers, data and trailer as a server sends them, made while it is read.</summary>
/// <param name="shard">The shard, whose directory stands before the names.</param>
/// <param name="files">Path, name in the archive, and modification time (UTC) of each, in order.</param>
/// <param name="owner">What the files belong to; disposed of with the stream.</param>
public sealed class StagedShardStream(
    ShardKey shard, IReadOnlyList<(string Path, string Name, DateTime Modified)> files, IDisposable owner) : ReadOnlyStream
{
    private readonly ArrayBufferWriter<byte> framing = new(4 * TarScanner.BlockSize);
    private int framingRead;
    private FileStream? current;
    private int next;
    private bool ended;

    /// <summary>The files are local and reads of them short: handing each to another thread costs more than it frees.</summary>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Read(buffer.Span));
    }

    public override int Read(Span<byte> buffer)
    {
        while (true)
        {
            if (framingRead < framing.WrittenCount)
            {
                return ReadFraming(buffer);
            }

            if (current is not null)
            {
                if (ReadFile(buffer) is > 0 and var read)
                {
                    return read;
                }
            }
            else if (next < files.Count)
            {
                OpenNext();
            }
            else if (!ended)
            {
                ended = true;
                Frame(TarEntryWriter.WriteTrailer);
            }
            else
            {
                return 0;
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            current?.Dispose();
            owner.Dispose();
        }

        base.Dispose(disposing);
    }

    private int ReadFraming(Span<byte> buffer)
    {
        var length = Math.Min(buffer.Length, framing.WrittenCount - framingRead);
        framing.WrittenSpan.Slice(framingRead, length).CopyTo(buffer);
        framingRead += length;
        return length;
    }

    private void OpenNext()
    {
        var (path, name, modified) = files[next++];
        try
        {
            current = new FileStream(path, new FileStreamOptions { BufferSize = 0, Options = FileOptions.SequentialScan });
            Frame(output => TarEntryWriter.WriteHeader(output, $"{shard.Path}/{name}", current.Length, modified));
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(path, e);
        }
    }

    private int ReadFile(Span<byte> buffer)
    {
        try
        {
            var read = current!.Read(buffer);
            if (read == 0 && !buffer.IsEmpty)
            {
                var length = current.Position;
                current.Dispose();
                current = null;
                Frame(output => TarEntryWriter.WritePadding(output, length));
            }

            return read;
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(files[next - 1].Path, e);
        }
    }

    private void Frame(Action<IBufferWriter<byte>> write)
    {
        framing.ResetWrittenCount();
        framingRead = 0;
        write(framing);
    }
}
