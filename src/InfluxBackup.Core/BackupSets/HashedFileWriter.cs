using System.Security.Cryptography;

namespace InfluxBackup.BackupSets;

/// <summary>A file that is hashed while it is written. Writes are gathered into large ones.</summary>
public sealed class HashedFileWriter : WriteOnlyStream
{
    private const int BufferSize = 256 * 1024;

    private readonly FileStream file;
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] pending = new byte[BufferSize];
    private int fill;
    private long written;

    public HashedFileWriter(string path) => file = LocalFile.Create(path);

    public override long Length => written + fill;

    /// <summary>Writes what is left, flushes it to the disk and returns the SHA-256 of the file, lower-case hex.</summary>
    public string Complete()
    {
        WritePending();
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
                WritePending();
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            file.Dispose();
            hash.Dispose();
        }

        base.Dispose(disposing);
    }

    private void WritePending()
    {
        file.Write(pending.AsSpan(0, fill));
        hash.AppendData(pending, 0, fill);
        written += fill;
        fill = 0;
    }
}
