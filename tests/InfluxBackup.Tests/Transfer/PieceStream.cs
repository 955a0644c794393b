namespace InfluxBackup.Tests.Transfer;

/// <summary>Gives its bytes in pieces of the sizes wanted, over and over, like a network.</summary>
internal sealed class PieceStream(byte[] content, params int[] pieces) : Stream
{
    private int at;
    private int turn;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => at;
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        var piece = pieces.Length == 0 ? count : pieces[turn++ % pieces.Length];
        var taken = Math.Min(Math.Min(piece, count), content.Length - at);
        content.AsSpan(at, taken).CopyTo(buffer.AsSpan(offset));
        at += taken;
        return taken;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
