using System.Buffers.Binary;

namespace InfluxBackup.Tsm;

/// <summary>
/// Reads a tombstone file: which points of the TSM file of the same base name are deleted. Four versions exist.
/// <code>
/// 1  key ⏎ key ⏎ …                            text, no header; all times of the key. Before 0.13
/// 2  00001502 │ record │ record │ …            0.13 to 1.3
/// 3  00001503 │ gzip ( record │ record … )      1.4
/// 4  00001504 │ gzip (…) │ gzip (…) │ …         1.5 and later: a member for each delete
///
/// record:  key length (4) │ key │ min time (8) │ max time (8)      both ends included
/// </code>
/// <code>
/// while (tombstones.Read())
///     … tombstones.Key, tombstones.MinTime, tombstones.MaxTime
/// if (tombstones.Warning is { } warning) …
/// </code>
/// Reference: InfluxDB 1.x, <c>tsdb/engine/tsm1/tombstone.go</c>.
/// </summary>
public sealed class TombstoneFile : IDisposable
{
    internal const uint Magic = 0x00001500;
    private const int HeaderSize = 4;
    private const int KeyLengthSize = 4;
    private const int TimesSize = 16;

    private readonly Stream stream;
    private readonly GzipMembers? members;
    private readonly byte[] header = new byte[HeaderSize];
    private readonly int headerLength;
    private byte[] record = new byte[1024];
    private int keyLength;
    private long position;
    private bool ended;

    private TombstoneFile(Stream stream, string name)
    {
        this.stream = stream;
        FileName = name;
        headerLength = stream.ReadAtLeast(header, HeaderSize, throwOnEndOfStream: false);
        Version = DetectVersion();
        // The first line of version 1 begins with what was read to find out the version.
        position = Version == 1 ? 0 : HeaderSize;
        members = Version >= 3 ? new GzipMembers(stream, HeaderSize) : null;
    }

    /// <summary>Opens a file. Throws <see cref="TsmFormatException"/> if its version is unknown.</summary>
    public static TombstoneFile Open(string path) =>
        Open(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), path);

    /// <summary>Reads from a stream, which need not be seekable and is disposed of with this object.</summary>
    public static TombstoneFile Open(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        try
        {
            return new TombstoneFile(stream, name);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    public string FileName { get; }

    /// <summary>1 to 4. An empty file is of version 1.</summary>
    public int Version { get; }

    /// <summary>The composite key of the record, valid until the next <see cref="Read"/>.</summary>
    public ReadOnlySpan<byte> Key => record.AsSpan(0, keyLength);

    /// <summary>The first time that is deleted.</summary>
    public long MinTime { get; private set; }

    /// <summary>The last time that is deleted.</summary>
    public long MaxTime { get; private set; }

    /// <summary>How many records were read.</summary>
    public long Records { get; private set; }

    /// <summary>Set after the last record if the file ends in the middle of something: what was read before is valid.</summary>
    public string? Warning { get; private set; }

    /// <summary>
    /// Reads the next record. False at the end. Throws <see cref="TsmFormatException"/> at damage other than a cut;
    /// records of the same gzip member that were read before cannot be trusted either then.
    /// </summary>
    public bool Read()
    {
        if (ended)
        {
            return false;
        }
        try
        {
            ended = !(Version == 1 ? ReadLine() : ReadRecord());
        }
        catch
        {
            ended = true;
            throw;
        }
        Records += ended ? 0 : 1;
        return !ended;
    }

    private int DetectVersion()
    {
        if (headerLength < HeaderSize)
        {
            return 1;
        }
        var first = BinaryPrimitives.ReadUInt32BigEndian(header);
        if ((first & 0xffffff00) != Magic)
        {
            return 1;
        }
        var version = (int)(first & 0xff);
        return version is >= 2 and <= 4
            ? version
            : throw new TsmFormatException($"Unknown tombstone version {version}; versions 1 to 4 are known.");
    }

    private bool ReadRecord()
    {
        var read = Fill(KeyLengthSize);
        if (read < KeyLengthSize)
        {
            return EndInside(read > 0);
        }
        var length = BinaryPrimitives.ReadUInt32BigEndian(record);
        if (length is 0 or > TsmFormat.MaxKeyLength)
        {
            throw Damaged($"record {Records + 1} claims a key of {length} bytes; the longest possible has {TsmFormat.MaxKeyLength}");
        }
        keyLength = (int)length;
        if (Fill(keyLength + TimesSize) < keyLength + TimesSize)
        {
            keyLength = 0;
            return EndInside(true);
        }
        MinTime = BinaryPrimitives.ReadInt64BigEndian(record.AsSpan(keyLength));
        MaxTime = BinaryPrimitives.ReadInt64BigEndian(record.AsSpan(keyLength + sizeof(long)));
        return true;
    }

    /// <summary>Reads up to <paramref name="count"/> bytes of records into the buffer; fewer only at the end.</summary>
    private int Fill(int count)
    {
        EnsureRoom(count);
        var filled = 0;
        while (filled < count)
        {
            var read = members?.Read(record, filled, count - filled) ?? stream.Read(record, filled, count - filled);
            if (read == 0)
            {
                break;
            }
            filled += read;
        }
        position = members?.Offset ?? position + filled;
        return filled;
    }

    private bool EndInside(bool incomplete)
    {
        if (incomplete || members is { IsTorn: true })
        {
            Warning = $"The tombstone file is truncated at offset {position}: {Records} records before that are valid.";
        }
        return false;
    }

    private bool ReadLine()
    {
        for (keyLength = 0; ;)
        {
            var b = NextByte();
            if (b is '\n' or < 0)
            {
                if (keyLength > 0)
                {
                    CheckLine();
                    (MinTime, MaxTime) = (long.MinValue, long.MaxValue);
                    return true;
                }
                if (b < 0)
                {
                    return false;
                }
                continue;
            }
            if (keyLength == TsmFormat.MaxKeyLength)
            {
                throw Damaged($"line {Records + 1} is longer than the longest possible key");
            }
            EnsureRoom(keyLength + 1);
            record[keyLength++] = (byte)b;
        }
    }

    /// <summary>Anything that is not of another version would be text: only what looks like a key is taken for one.</summary>
    private void CheckLine()
    {
        if (!TsmKey.TrySplit(Key, out _, out _))
        {
            throw Damaged($"line {Records + 1} is no key: {TsmKey.Describe(Key)}");
        }
    }

    private int NextByte()
    {
        var b = position < headerLength ? header[position] : stream.ReadByte();
        position++;
        return b;
    }

    private void EnsureRoom(int length)
    {
        if (record.Length < length)
        {
            // At most a key and two times: 64 KiB.
            Array.Resize(ref record, Math.Max(length, record.Length * 2));
        }
    }

    private TsmFormatException Damaged(string what) => new($"Not a readable tombstone file: {what}.", position);

    public void Dispose() => stream.Dispose();
}
