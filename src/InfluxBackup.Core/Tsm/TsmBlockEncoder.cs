using System.Buffers;
using InfluxBackup.Tsm.Codecs;

namespace InfluxBackup.Tsm;

/// <summary>
/// Packs points into blocks, the counterpart of <see cref="TsmPoints"/>: type, times and values, without the checksum,
/// byte for byte as a server's compaction does. One object serves any number of blocks, one after another.
/// </summary>
/// <remarks>
/// Times ascend and there are as many of them as values, at least one; a server puts at most 1000 into a block. Otherwise,
/// and for a float that is NaN, there is an <see cref="ArgumentException"/>, and what the destination holds then is no block.
/// </remarks>
public sealed class TsmBlockEncoder
{
    private readonly ArrayBufferWriter<byte> encodedTimes = new();

    /// <summary>Packs floats.</summary>
    public void Encode(ReadOnlySpan<long> times, ReadOnlySpan<double> values, IBufferWriter<byte> destination)
    {
        Begin(TsmBlockType.Float, times, values.Length, destination);
        FloatCodec.Encode(values, destination);
    }

    /// <summary>Packs signed integers.</summary>
    public void Encode(ReadOnlySpan<long> times, ReadOnlySpan<long> values, IBufferWriter<byte> destination)
    {
        Begin(TsmBlockType.Integer, times, values.Length, destination);
        IntegerCodec.Encode(values, destination);
    }

    /// <summary>Packs unsigned integers.</summary>
    public void Encode(ReadOnlySpan<long> times, ReadOnlySpan<ulong> values, IBufferWriter<byte> destination)
    {
        Begin(TsmBlockType.Unsigned, times, values.Length, destination);
        UnsignedCodec.Encode(values, destination);
    }

    /// <summary>Packs booleans.</summary>
    public void Encode(ReadOnlySpan<long> times, ReadOnlySpan<bool> values, IBufferWriter<byte> destination)
    {
        Begin(TsmBlockType.Boolean, times, values.Length, destination);
        BooleanCodec.Encode(values, destination);
    }

    /// <summary>Packs strings, each given by where it lies in <paramref name="text"/>.</summary>
    public void Encode(ReadOnlySpan<long> times, ReadOnlySpan<Range> strings, ReadOnlySpan<byte> text, IBufferWriter<byte> destination)
    {
        Begin(TsmBlockType.String, times, strings.Length, destination);
        StringCodec.Encode(strings, text, destination);
    }

    /// <summary>Packs the points of a block that was unpacked, of whatever type they are.</summary>
    public void Encode(TsmPoints points, IBufferWriter<byte> destination)
    {
        switch (points.Type)
        {
            case TsmBlockType.Float:
                Encode(points.Times, points.Floats, destination);
                break;
            case TsmBlockType.Integer:
                Encode(points.Times, points.Integers, destination);
                break;
            case TsmBlockType.Unsigned:
                Encode(points.Times, points.Unsigneds, destination);
                break;
            case TsmBlockType.Boolean:
                Encode(points.Times, points.Booleans, destination);
                break;
            case TsmBlockType.String:
                Encode(points.Times, points.Strings, points.Text, destination);
                break;
            default:
                throw new ArgumentException($"Points of {points.Type.Describe()} cannot be packed.", nameof(points));
        }
    }

    private void Begin(TsmBlockType type, ReadOnlySpan<long> times, int values, IBufferWriter<byte> destination)
    {
        if (times.Length != values || values == 0)
        {
            throw new ArgumentException($"{times.Length} times and {values} values are no block.", nameof(times));
        }
        // Their length stands before them, so they are packed aside.
        encodedTimes.ResetWrittenCount();
        TimestampCodec.Encode(times, encodedTimes);
        var head = destination.GetSpan(1 + Uvarint.MaxSize);
        head[0] = (byte)type;
        destination.Advance(1 + Uvarint.Write(head[1..], (ulong)encodedTimes.WrittenCount));
        destination.Write(encodedTimes.WrittenSpan);
    }
}
