namespace InfluxBackup.Tsm;

/// <summary>
/// The numbers of the TSM file format, version 1. All integers are big-endian.
/// <code>
/// ┌────────────────┬───────────────────────┬──────────────────────┬──────────────────────┐
/// │ header         │ blocks                │ index                │ footer               │
/// │ 16d116d1 01    │ CRC-32 + block, …     │ one entry per key    │ offset of the index  │
/// │ 5 bytes        │                       │ keys ascend          │ 8 bytes              │
/// └────────────────┴───────────────────────┴──────────────────────┴──────────────────────┘
/// </code>
/// Reference: InfluxDB 1.x, <c>tsdb/engine/tsm1/DESIGN.md</c> and <c>writer.go</c>.
/// </summary>
public static class TsmFormat
{
    /// <summary>The first four bytes of every TSM file.</summary>
    public const uint Magic = 0x16d116d1;

    /// <summary>The only version that any 1.x server writes.</summary>
    public const byte Version = 1;

    public const int HeaderSize = 5;
    public const int FooterSize = 8;
    public const int ChecksumSize = 4;

    /// <summary>Before a key's blocks: length of the key (2), the key, block type (1), number of blocks (2).</summary>
    public const int KeyLengthSize = 2;
    public const int TypeAndCountSize = 3;

    /// <summary>One block in the index: minimum time (8), maximum time (8), offset (8), size (4).</summary>
    public const int IndexEntrySize = 28;

    public const int MaxKeyLength = ushort.MaxValue;
    public const int MaxBlocksPerKey = ushort.MaxValue;

    /// <summary>
    /// More points than any server puts into a block (1000; from 1.12 on an aggressive compaction 10 000 by default). A run-length
    /// block of 20 bytes can claim 2^64 points; beyond this number we call it damaged and allocate nothing.
    /// </summary>
    public const int MaxPointsPerBlock = 1 << 20;

    /// <summary>
    /// The largest block that we read into memory to decode it. A block of 1000 strings of the documented maximum of
    /// 64 KiB each has half of this; the checksum of a larger block is still checked, piece by piece.
    /// </summary>
    public const int MaxBlockSize = 128 << 20;

    /// <summary>The largest text that a block of strings may unpack to.</summary>
    public const int MaxTextSize = 256 << 20;
}
