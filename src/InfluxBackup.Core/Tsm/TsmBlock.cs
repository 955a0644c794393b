using InfluxBackup.Tsm.Codecs;

namespace InfluxBackup.Tsm;

/// <summary>
/// The parts of one block, without its checksum.
/// <code>type (1) │ uvarint length of times │ times │ values</code>
/// </summary>
public readonly ref struct TsmBlock
{
    private TsmBlock(TsmBlockType type, ReadOnlySpan<byte> times, ReadOnlySpan<byte> values, int timesOffset)
    {
        Type = type;
        Times = times;
        Values = values;
        TimesOffset = timesOffset;
    }

    public TsmBlockType Type { get; }

    /// <summary>The encoded times, for <see cref="TimestampCodec"/>.</summary>
    public ReadOnlySpan<byte> Times { get; }

    /// <summary>The encoded values, for the codec of the type.</summary>
    public ReadOnlySpan<byte> Values { get; }

    /// <summary>Where the times start in the block.</summary>
    internal int TimesOffset { get; }

    /// <summary>Where the values start in the block.</summary>
    internal int ValuesOffset => TimesOffset + Times.Length;

    public static TsmBlock Parse(ReadOnlySpan<byte> block)
    {
        if (block.IsEmpty)
        {
            throw new TsmFormatException("The block is empty.");
        }
        var rest = block[1..];
        if (!Uvarint.TryTake(ref rest, out var length) || length > (ulong)rest.Length)
        {
            throw new TsmFormatException($"The times ({length} bytes) run past the end of the block of {block.Length} bytes.", 1);
        }
        return new TsmBlock((TsmBlockType)block[0], rest[..(int)length], rest[(int)length..], block.Length - rest.Length);
    }
}
