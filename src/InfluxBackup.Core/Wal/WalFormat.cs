using InfluxBackup.Tsm;

namespace InfluxBackup.Wal;

/// <summary>
/// The numbers of the WAL segment format. All integers are big-endian.
/// <code>
/// segment, _NNNNN.wal    entry │ entry │ …                            no header; a server begins a new one at 10 MiB
/// entry                  type (1) │ length (4) │ Snappy block
///
/// unpacked:
/// 1 write                value type (1) │ key length (2) │ key │ count (4) │ time (8), value │ …     for each key
/// 2 delete               key ⏎ key ⏎ …
/// 3 delete range         min time (8) │ max time (8) │ key length (4), key │ …                       both ends included
///
/// value                  1 float: 8    2 integer: 8    3 boolean: 1    4 string: length (4), bytes    5 unsigned: 8
/// </code>
/// Reference: InfluxDB 1.x, <c>tsdb/engine/tsm1/wal.go</c>.
/// </summary>
internal static class WalFormat
{
    public const int TypeSize = 1;
    public const int LengthSize = 4;
    public const int EntryHeaderSize = TypeSize + LengthSize;

    public const int KeyLengthSize = 2;
    public const int CountSize = 4;
    public const int TimeSize = 8;
    public const int NumberSize = 8;
    public const int BooleanSize = 1;

    public const byte Separator = (byte)'\n';

    /// <summary>
    /// The largest entry that is unpacked. A server writes one for each request, 25 MB at most by default; dropping a million
    /// series takes some hundred.
    /// </summary>
    public const int MaxEntrySize = 256 << 20;

    /// <summary>What a byte of a Snappy block can stand for at most: a copy of three bytes is 64. A larger claim is damage.</summary>
    public const uint MostUnpackedPerByte = 22;

    private const byte FirstValueType = 1;

    /// <summary>The WAL counts the same types from one instead of zero.</summary>
    public static TsmBlockType ToBlockType(byte valueType) => (TsmBlockType)unchecked((byte)(valueType - FirstValueType));
}

/// <summary>What an entry does.</summary>
public enum WalEntryType : byte
{
    /// <summary>Adds points; a later one replaces an earlier one at the same time.</summary>
    Write = 1,

    /// <summary>Deletes all points of keys, written before it. Of old servers.</summary>
    Delete = 2,

    /// <summary>Deletes the points of keys in a range of time, written before it.</summary>
    DeleteRange = 3,
}
