using System.Text;
using System.Threading.Channels;
using InfluxBackup.BackupSets;

namespace InfluxBackup.PowerShell.Pipeline;

/// <summary>
/// Lines that come through a pipeline, as a stream that the engine reads at the same time. Lines are gathered to larger pieces; when
/// the engine does not keep up, whoever writes waits.
/// </summary>
internal sealed class LineStream : ReadOnlyStream
{
    private const int PieceSize = 256 << 10;

    private readonly Channel<byte[]> pieces = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(4) { SingleReader = true, SingleWriter = true });
    private readonly MemoryStream gathered = new();
    private ReadOnlyMemory<byte> rest;

    /// <summary>Whether enough was gathered to be handed over.</summary>
    public bool IsDue => gathered.Length >= PieceSize;

    public void Gather(string line)
    {
        gathered.Write(Encoding.UTF8.GetBytes(line));
        gathered.WriteByte((byte)'\n');
    }

    /// <summary>Hands over what was gathered.</summary>
    public async Task<bool> HandOverAsync(CancellationToken cancel)
    {
        var piece = gathered.ToArray();
        gathered.SetLength(0);
        while (piece.Length > 0 && await pieces.Writer.WaitToWriteAsync(cancel).ConfigureAwait(false))
        {
            if (pieces.Writer.TryWrite(piece))
            {
                break;
            }
        }

        return true;
    }

    /// <summary>Nothing follows.</summary>
    public void End() => pieces.Writer.TryComplete();

    /// <summary>The reader, which runs on a thread of its own, has nothing else to do than to wait.</summary>
    public override int Read(Span<byte> buffer)
    {
        while (rest.IsEmpty)
        {
            if (!pieces.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
            {
                return 0;
            }

            if (pieces.Reader.TryRead(out var piece))
            {
                rest = piece;
            }
        }

        var count = Math.Min(buffer.Length, rest.Length);
        rest.Span[..count].CopyTo(buffer);
        rest = rest[count..];
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            // Whoever still writes learns that nobody reads.
            pieces.Writer.TryComplete();
        }

        base.Dispose(disposing);
    }
}
