using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;

namespace InfluxBackup.BackupSets;

/// <summary>
/// The tar stream inside a <c>.tar.gz</c>, stricter than a plain decompressor: the file must end with the length of what was
/// in it, so a cut trailer or anything appended is found, and its SHA-256 must be that of the manifest where there is one.
/// </summary>
public sealed class GzipShardStream : ReadOnlyStream
{
    /// <summary>CRC-32 and length modulo 2^32, little-endian, end a gzip member.</summary>
    private const int TrailerSize = 8;

    private const int FileBufferSize = 128 * 1024;

    private readonly string path;
    private readonly FileStream file;
    private readonly HashingStream? hashing;
    private readonly GZipStream gzip;
    private readonly string? expectedSha256;
    private long produced;
    private bool checkedEnd;

    private GzipShardStream(string path, FileStream file, string? expectedSha256)
    {
        this.path = path;
        this.file = file;
        this.expectedSha256 = expectedSha256;
        hashing = expectedSha256 is null ? null : new HashingStream(file);
        gzip = new GZipStream(hashing ?? (Stream)file, CompressionMode.Decompress);
    }

    /// <summary>Opens an archive.</summary>
    /// <exception cref="InfluxBackupException">The file is missing, can't be opened, or has another size than the manifest says.</exception>
    public static GzipShardStream Open(string path, long? expectedSize, string? expectedSha256)
    {
        FileStream? file = null;
        try
        {
            file = new FileStream(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.Read, BufferSize = FileBufferSize, Options = FileOptions.SequentialScan });
            if (expectedSize is { } size && size != file.Length)
            {
                throw Damaged("ArchiveSizeMismatch", path, $"it has {file.Length} bytes, its manifest says {size}");
            }

            return new GzipShardStream(path, file, expectedSha256);
        }
        catch (FileNotFoundException e)
        {
            throw Missing(path, e);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(path, e);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    /// <summary>The file is local and its reads are short: handing each to another thread costs more than it frees.</summary>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Read(buffer.Span));
    }

    public override int Read(Span<byte> buffer)
    {
        try
        {
            var read = gzip.Read(buffer);
            produced += read;
            if (read == 0 && !checkedEnd)
            {
                checkedEnd = true;
                CheckEnd();
            }

            return read;
        }
        catch (InvalidDataException e)
        {
            // The decompressor's own words speak of unsupported methods even where a checksum is wrong.
            throw Damaged("ArchiveDamaged", path, $"after {produced} unpacked bytes its compressed data are broken, cut, or don't fit their checksum", e, file.Position);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(path, e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            gzip.Dispose();
            hashing?.Dispose();
            file.Dispose();
        }

        base.Dispose(disposing);
    }

    private void CheckEnd()
    {
        var trailer = new byte[TrailerSize];
        var length = file.Length >= TrailerSize
            && RandomAccess.Read(file.SafeFileHandle, trailer, file.Length - TrailerSize) == TrailerSize
                ? BinaryPrimitives.ReadUInt32LittleEndian(trailer.AsSpan(4))
                : (uint?)null;
        if (length != (uint)produced)
        {
            throw Damaged("ArchiveDamaged", path, $"it does not end with the length of the {produced} bytes that were in it: it is cut, or something follows the compressed data");
        }

        if (hashing is not null)
        {
            hashing.Drain();
            var sha256 = hashing.GetHash();
            if (!string.Equals(sha256, expectedSha256, StringComparison.OrdinalIgnoreCase))
            {
                throw Damaged("ArchiveHashMismatch", path, $"its SHA-256 is {sha256}, the manifest says {expectedSha256}");
            }
        }
    }

    internal static InfluxBackupException Missing(string path, FileNotFoundException e) =>
        new("ArchiveMissing", ErrorKind.NotFound, $"The archive '{path}' is missing, though the manifest lists it.", e)
        {
            Subject = path,
            Remedy = "Copy the file back, or leave this shard out and take the rest.",
        };

    private static InfluxBackupException Damaged(string id, string path, string why, Exception? inner = null, long? near = null) =>
        new(id, ErrorKind.InvalidData, $"The archive '{path}' is damaged: {why}.", inner) { Subject = path, Offset = near };

    /// <summary>Passes a stream through and hashes what passes.</summary>
    private sealed class HashingStream(Stream inner) : ReadOnlyStream
    {
        private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public string GetHash() => Convert.ToHexString(hash.GetHashAndReset()).ToLowerInvariant();

        public void Drain()
        {
            var buffer = new byte[FileBufferSize];
            while (Read(buffer) > 0)
            {
            }
        }

        public override int Read(Span<byte> buffer)
        {
            var read = inner.Read(buffer);
            hash.AppendData(buffer[..read]);
            return read;
        }

        protected override void Dispose(bool disposing)
        {
            hash.Dispose();
            base.Dispose(disposing);
        }
    }
}
