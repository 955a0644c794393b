using System.Security.Cryptography;

namespace InfluxBackup.BackupSets;

/// <summary>A file that is hashed while it is written. Writes are gathered into large ones.</summary>
public sealed class HashedFileWriter : Stream
{
    private const int BufferSize = 256 * 1024;

    private readonly FileStream file;
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] pending = new byte[BufferSize];
    private int fill;
    private long written;

    public HashedFileWriter(string path) => file = LocalFile.Create(path);

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => written + fill;

    public override long Position
    {
        get => Length;
        set => throw new NotSupportedException();
    }

    /// <summary>Writes what is left, flushes it to the disk and returns the SHA-256 of the file, lower-case hex.</summary>
    public string Complete()
    {
        WriteBuffer();
        file.Flush(flushToDisk: true);
        return Convert.ToHexString(hash.GetHashAndReset()).ToLowerInvariant();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var taken = Math.Min(buffer.Length, BufferSize - fill);
            buffer[..taken].CopyTo(pending.AsSpan(fill));
            fill += taken;
            buffer = buffer[taken..];
            if (fill == BufferSize)
            {
                WriteBuffer();
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>Does nothing: a compressor flushes when it likes, the disk is written in large pieces.</summary>
    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            file.Dispose();
            hash.Dispose();
        }

        base.Dispose(disposing);
    }

    private void WriteBuffer()
    {
        file.Write(pending.AsSpan(0, fill));
        hash.AppendData(pending, 0, fill);
        written += fill;
        fill = 0;
    }
}
