using System.Buffers;
using System.Security.Cryptography;
using InfluxBackup.Metadata;

namespace InfluxBackup.Transfer;

/// <summary>
/// A shard archive that is checked while it is read: structure, names, sizes, trailer, length and hash. The reader gets
/// pieces that have passed; the end comes only when everything has, else an exception. Nothing is buffered but one piece.
/// </summary>
public sealed class GuardedArchive : IDisposable
{
    /// <summary>Large enough that system calls don't count, small enough to stay in the second-level cache of a core.</summary>
    public const int PieceSize = 256 * 1024;

    private readonly ShardStream stream;
    private readonly TarGuard guard;
    private readonly TarScanner scanner;
    private readonly string subject;
    private readonly IncrementalHash? hash;
    private readonly Action<long>? progress;
    private byte[]? buffer = ArrayPool<byte>.Shared.Rent(PieceSize);

    /// <summary>Wraps a stream.</summary>
    /// <param name="shard">The shard that the stream must hold, unless the stream says that its names are those of another.</param>
    /// <param name="stream">The stream; stays the caller's.</param>
    /// <param name="subject">What it is, for messages.</param>
    /// <param name="progress">Told the position after each piece.</param>
    public GuardedArchive(ShardKey shard, ShardStream stream, string subject, Action<long>? progress = null)
    {
        this.stream = stream;
        this.subject = subject;
        this.progress = progress;
        Content = stream.ContentKey ?? shard;
        guard = new TarGuard(Content, subject, stream.AreTsmEndsChecked);
        scanner = new TarScanner(guard, subject, stream.IsRepeatable);
        hash = stream.IsHashed ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
    }

    /// <summary>The shard whose directory stands before the names in it.</summary>
    public ShardKey Content { get; }

    /// <summary>What was read; null before the end has been reached and everything was found right.</summary>
    public ShardArchive? Result { get; private set; }

    /// <summary>The entries whose headers have been read, the one under way included.</summary>
    public IReadOnlyList<ShardArchiveEntry> Entries => guard.Entries;

    /// <summary>The next piece, empty at the end. Valid until the next call.</summary>
    /// <exception cref="InfluxBackupException">The archive breaks a rule.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(buffer is null, this);
        if (Result is not null)
        {
            return default;
        }

        // Whole pieces: what follows works best on large ones, and a socket gives what it has.
        var read = await stream.Content.ReadAtLeastAsync(buffer.AsMemory(0, PieceSize), PieceSize, throwOnEndOfStream: false, cancel).ConfigureAwait(false);
        if (read == 0)
        {
            Result = Conclude();
            return default;
        }

        scanner.Append(buffer.AsSpan(0, read));
        hash?.AppendData(buffer, 0, read);
        if (scanner.Position > stream.ExpectedLength)
        {
            throw LengthDiffers();
        }

        progress?.Invoke(scanner.Position);
        return buffer.AsMemory(0, read);
    }

    /// <summary>Reads to the end for the checks alone.</summary>
    public async Task<ShardArchive> ReadToEndAsync(CancellationToken cancel)
    {
        while (!(await ReadAsync(cancel).ConfigureAwait(false)).IsEmpty)
        {
        }

        return Result!;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        hash?.Dispose();
        if (Interlocked.Exchange(ref buffer, null) is { } rented)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private ShardArchive Conclude()
    {
        scanner.Finish();
        guard.Finish();
        if (stream.ExpectedLength is { } expected && expected != scanner.Position)
        {
            throw LengthDiffers();
        }

        var sha256 = hash is null ? null : Convert.ToHexString(hash.GetHashAndReset()).ToLowerInvariant();
        if (sha256 is not null && stream.ExpectedSha256 is { } wanted && !string.Equals(wanted, sha256, StringComparison.OrdinalIgnoreCase))
        {
            throw new InfluxBackupException(
                "ShardHashMismatch",
                ErrorKind.InvalidData,
                $"The content of {subject} has changed: its SHA-256 is {sha256}, the manifest says {wanted}.")
            {
                Subject = subject,
            };
        }

        return new ShardArchive
        {
            Length = scanner.Position,
            Sha256 = sha256,
            Entries = guard.Entries,
            Warnings = guard.Warnings,
        };
    }

    private InfluxBackupException LengthDiffers() =>
        new(
            "ShardSizeMismatch",
            ErrorKind.InvalidData,
            $"The archive of {subject} is {(scanner.Position > stream.ExpectedLength ? "longer" : "shorter")} than its manifest says: {stream.ExpectedLength} bytes are expected, {scanner.Position} were read.")
        {
            Subject = subject,
        };
}
