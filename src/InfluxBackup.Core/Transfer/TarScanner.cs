using System.Text;
using ICSharpCode.SharpZipLib.Tar;

namespace InfluxBackup.Transfer;

/// <summary>What is told of a tar stream while it is scanned.</summary>
public interface ITarVisitor
{
    /// <summary>A file begins. Its data follow in <see cref="Data"/>, then <see cref="End"/>.</summary>
    void Begin(string name, long size, DateTime modified);

    /// <summary>A piece of the current file's data; the span is valid only during the call.</summary>
    void Data(ReadOnlySpan<byte> data);

    /// <summary>The current file's data are complete.</summary>
    void End();
}

/// <summary>
/// Reads the structure of a tar stream that is pushed through it piece by piece, without copying file data. It accepts what
/// InfluxDB servers send (POSIX ustar headers, PAX records where a name or size needs them, two zero blocks at the end) and
/// GNU long names, and nothing but plain files and directories. Header fields and PAX records are parsed by SharpZipLib;
/// its <c>TarInputStream</c> (and the framework's <c>TarReader</c>) are not used for the stream because neither tells a missing
/// trailer from a present one, nor data after it from none, and that difference is how truncation is found here.
/// </summary>
/// <param name="visitor">Is told of every file.</param>
/// <param name="subject">What the stream is, for messages: "shard 8 (db.rp) from host:8088".</param>
/// <param name="isRepeatable">The stream comes from a server: asked again, it may come whole.</param>
public sealed class TarScanner(ITarVisitor visitor, string subject, bool isRepeatable = false)
{
    public const int BlockSize = 512;

    /// <summary>Two zero blocks.</summary>
    public const int TrailerSize = 2 * BlockSize;

    /// <summary>No file of a shard comes near this; a header that says more is damaged or hostile.</summary>
    private const long LargestFile = 1L << 50;

    /// <summary>PAX records and long names hold a few hundred bytes.</summary>
    private const int LargestExtendedHeader = 64 * 1024;

    /// <summary>More than any tool pads with.</summary>
    private const int MostZerosAfterEnd = 1 << 20;

    private readonly byte[] header = new byte[BlockSize];
    private int headerFill;
    private State state = State.Header;
    private long dataLeft;
    private long padLeft;
    private long afterEnd;
    private MemoryStream? extended;
    private bool extendedIsLongName;
    private string? nextName;
    private long? nextSize;
    private string current = "";

    private enum State
    {
        Header,
        Data,
        Skip,
        Extended,
        Padding,
        OneZeroBlock,
        Trailer,
    }

    /// <summary>Bytes seen so far.</summary>
    public long Position { get; private set; }

    /// <summary>Takes the next bytes of the stream.</summary>
    /// <exception cref="InfluxBackupException">A rule of the format is broken.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var taken = state switch
            {
                State.Header or State.OneZeroBlock => TakeHeader(bytes),
                State.Trailer => TakeTrailer(bytes),
                State.Padding => TakePadding(bytes),
                _ => TakeData(bytes),
            };
            Position += taken;
            bytes = bytes[taken..];
        }
    }

    /// <summary>Says that no more bytes follow.</summary>
    /// <exception cref="InfluxBackupException">The stream is not complete.</exception>
    public void Finish()
    {
        if (state == State.Trailer && headerFill == 0)
        {
            return;
        }

        if (Position == 0)
        {
            throw new InfluxBackupException("ShardNotSent", ErrorKind.InvalidData, $"Not a byte came of {subject}.")
            {
                Subject = subject,
                Remedy = "A server does this while it flushes the shard's cache or restores the shard, and when it can't make a snapshot (disk full, file system without hard links); its log has a line with service=snapshot.",
                IsTransient = isRepeatable,
            };
        }

        var where = state switch
        {
            State.Data or State.Skip or State.Padding => $"inside '{current}'",
            State.Header or State.OneZeroBlock when headerFill == 0 => "without the two zero blocks that end it",
            _ => "inside a header",
        };
        throw new InfluxBackupException(
            "ShardTruncated",
            ErrorKind.InvalidData,
            $"The archive of {subject} is truncated: it ends after {Position} bytes, {where}.")
        {
            Subject = subject,
            Offset = Position,
            IsTransient = isRepeatable,
        };
    }

    private int TakeHeader(ReadOnlySpan<byte> bytes)
    {
        var taken = Math.Min(bytes.Length, BlockSize - headerFill);
        bytes[..taken].CopyTo(header.AsSpan(headerFill));
        headerFill += taken;
        if (headerFill == BlockSize)
        {
            headerFill = 0;
            ReadHeader();
        }

        return taken;
    }

    private void ReadHeader()
    {
        if (!header.AsSpan().ContainsAnyExcept((byte)0))
        {
            if (nextName is not null || nextSize is not null)
            {
                throw Damaged("an extended header stands without the entry it belongs to");
            }

            state = state == State.OneZeroBlock ? State.Trailer : State.OneZeroBlock;
            return;
        }

        if (state == State.OneZeroBlock)
        {
            throw Damaged("a single zero block stands between its entries");
        }

        var parsed = Parse();
        var isExtended = parsed.TypeFlag is TarHeader.LF_XHDR or TarHeader.LF_GHDR or TarHeader.LF_GNU_LONGNAME;
        var size = isExtended ? parsed.Size : nextSize ?? parsed.Size;
        if (size is < 0 or > LargestFile)
        {
            throw Damaged($"the header of '{nextName ?? parsed.Name}' gives an absurd size of {size} bytes");
        }

        dataLeft = size;
        padLeft = (BlockSize - (size % BlockSize)) % BlockSize;
        switch (parsed.TypeFlag)
        {
            case TarHeader.LF_NORMAL or TarHeader.LF_OLDNORM:
                current = nextName ?? parsed.Name;
                (nextName, nextSize) = (null, null);
                visitor.Begin(current, size, parsed.ModTime);
                state = State.Data;
                break;
            case TarHeader.LF_DIR:
                current = nextName ?? parsed.Name;
                (nextName, nextSize) = (null, null);
                state = State.Skip;
                break;
            case var _ when isExtended:
                if (size > LargestExtendedHeader)
                {
                    throw Damaged($"an extended header claims {size} bytes");
                }

                current = "an extended header";
                extended = parsed.TypeFlag == TarHeader.LF_GHDR ? null : new MemoryStream((int)size);
                extendedIsLongName = parsed.TypeFlag == TarHeader.LF_GNU_LONGNAME;
                state = extended is null ? State.Skip : State.Extended;
                break;
            default:
                throw new InfluxBackupException(
                    "ShardArchiveUnsafe",
                    ErrorKind.InvalidData,
                    $"The archive of {subject} holds '{nextName ?? parsed.Name}', which is {Describe(parsed.TypeFlag)}: only plain files may be in a shard archive.")
                {
                    Subject = subject,
                    Offset = Position,
                };
        }

        FinishDataIfComplete();
    }

    private TarHeader Parse()
    {
        var parsed = new TarHeader();
        try
        {
            parsed.ParseBuffer(header, Encoding.UTF8);
        }
        catch (Exception e) when (e is ArgumentException or TarException or OverflowException or FormatException)
        {
            throw Damaged($"its header at byte {Position - (Position % BlockSize)} can't be read ({e.Message})", e);
        }

        return parsed.IsChecksumValid
            ? parsed
            : throw Damaged($"the checksum of the header at byte {Position - (Position % BlockSize)} ('{parsed.Name}') does not fit");
    }

    private int TakeData(ReadOnlySpan<byte> bytes)
    {
        var taken = (int)Math.Min(bytes.Length, dataLeft);
        var data = bytes[..taken];
        if (state == State.Data)
        {
            visitor.Data(data);
        }
        else if (state == State.Extended)
        {
            extended!.Write(data);
        }

        dataLeft -= taken;
        FinishDataIfComplete();
        return taken;
    }

    private void FinishDataIfComplete()
    {
        if (dataLeft > 0 || state is State.OneZeroBlock or State.Trailer)
        {
            return;
        }

        if (state == State.Data)
        {
            visitor.End();
        }
        else if (state == State.Extended)
        {
            ReadExtendedHeader();
        }

        state = padLeft > 0 ? State.Padding : State.Header;
    }

    private void ReadExtendedHeader()
    {
        var bytes = extended!.ToArray();
        extended = null;
        if (extendedIsLongName)
        {
            nextName = Encoding.UTF8.GetString(bytes).TrimEnd('\0');
            return;
        }

        var reader = new TarExtendedHeaderReader();
        try
        {
            reader.Read(bytes, bytes.Length);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException or IndexOutOfRangeException)
        {
            throw Damaged("an extended header can't be read", e);
        }

        if (reader.Headers.TryGetValue("path", out var path))
        {
            nextName = path;
        }

        if (reader.Headers.TryGetValue("size", out var size))
        {
            nextSize = long.TryParse(size, out var value) ? value : throw Damaged($"an extended header gives the size '{size}'");
        }
    }

    private int TakePadding(ReadOnlySpan<byte> bytes)
    {
        var taken = (int)Math.Min(bytes.Length, padLeft);
        padLeft -= taken;
        if (padLeft == 0)
        {
            state = State.Header;
        }

        return taken;
    }

    /// <summary>More zeros are harmless (GNU tar pads to 10,240 bytes); anything else is not part of this archive.</summary>
    private int TakeTrailer(ReadOnlySpan<byte> bytes)
    {
        if (bytes.ContainsAnyExcept((byte)0))
        {
            throw Damaged($"data follow the end of the archive at byte {Position}");
        }

        afterEnd += bytes.Length;
        return afterEnd <= MostZerosAfterEnd ? bytes.Length : throw Damaged($"more than {MostZerosAfterEnd} zeros follow its end");
    }

    private InfluxBackupException Damaged(string what, Exception? inner = null) =>
        new("ShardArchiveDamaged", ErrorKind.InvalidData, $"The archive of {subject} is damaged: {what}.", inner)
        {
            Subject = subject,
            Offset = Position,
            IsTransient = isRepeatable,
        };

    private static string Describe(byte typeFlag) => typeFlag switch
    {
        TarHeader.LF_LINK => "a hard link",
        TarHeader.LF_SYMLINK => "a symbolic link",
        TarHeader.LF_CHR or TarHeader.LF_BLK => "a device",
        TarHeader.LF_FIFO => "a pipe",
        _ => $"an entry of type '{(char)typeFlag}'",
    };
}
