using System.Buffers.Binary;
using InfluxBackup.Tsm;

namespace InfluxBackup.Wal;

/// <summary>
/// The points of one key in a write entry, in the order in which they were written: times need not ascend, and one may come twice.
/// <code>
/// while (values.Read())
///     … values.Time, values.Float
/// </code>
/// </summary>
public ref struct WalValues
{
    private ReadOnlySpan<byte> rest;
    private ReadOnlySpan<byte> value;
    private int left;

    /// <param name="type">The type of all of them.</param>
    /// <param name="count">How many there are.</param>
    /// <param name="bytes">Bytes that have been found to hold so many.</param>
    internal WalValues(TsmBlockType type, int count, ReadOnlySpan<byte> bytes)
    {
        Type = type;
        Count = count;
        left = count;
        rest = bytes;
    }

    public TsmBlockType Type { get; }

    public int Count { get; }

    /// <summary>Nanoseconds since 1970.</summary>
    public long Time { get; private set; }

    public readonly double Float => BitConverter.Int64BitsToDouble(Number(TsmBlockType.Float));

    public readonly long Integer => Number(TsmBlockType.Integer);

    public readonly ulong Unsigned => (ulong)Number(TsmBlockType.Unsigned);

    public readonly bool Boolean => Of(TsmBlockType.Boolean)[0] == 1;

    /// <summary>The bytes of a string, which need not be valid UTF-8.</summary>
    public readonly ReadOnlySpan<byte> String => Of(TsmBlockType.String);

    /// <summary>The next point. False after the last.</summary>
    public bool Read()
    {
        if (left == 0)
        {
            return false;
        }
        left--;
        Time = BinaryPrimitives.ReadInt64BigEndian(rest);
        rest = rest[WalFormat.TimeSize..];
        var length = Type switch
        {
            TsmBlockType.Boolean => WalFormat.BooleanSize,
            TsmBlockType.String => TakeLength(),
            _ => WalFormat.NumberSize,
        };
        value = rest[..length];
        rest = rest[length..];
        return true;
    }

    /// <summary>How many bytes a number of points takes, or -1 if there are not so many points in these bytes.</summary>
    internal static int Measure(TsmBlockType type, uint count, ReadOnlySpan<byte> bytes)
    {
        if (type != TsmBlockType.String)
        {
            var size = WalFormat.TimeSize + (type == TsmBlockType.Boolean ? WalFormat.BooleanSize : WalFormat.NumberSize);
            return (long)count * size <= bytes.Length ? (int)count * size : -1;
        }
        const int BeforeText = WalFormat.TimeSize + WalFormat.LengthSize;
        var at = 0;
        for (var i = 0u; i < count; i++)
        {
            if (bytes.Length - at < BeforeText)
            {
                return -1;
            }
            var length = BinaryPrimitives.ReadUInt32BigEndian(bytes[(at + WalFormat.TimeSize)..]);
            at += BeforeText;
            if (length > bytes.Length - at)
            {
                return -1;
            }
            at += (int)length;
        }
        return at;
    }

    private int TakeLength()
    {
        var length = BinaryPrimitives.ReadInt32BigEndian(rest);
        rest = rest[WalFormat.LengthSize..];
        return length;
    }

    private readonly long Number(TsmBlockType type) => BinaryPrimitives.ReadInt64BigEndian(Of(type));

    private readonly ReadOnlySpan<byte> Of(TsmBlockType type) =>
        Type == type ? value : throw new InvalidOperationException($"The values are {Type.Describe()}, not {type.Describe()}.");
}
