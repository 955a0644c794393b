using System.Buffers;
using System.Runtime.InteropServices;

namespace InfluxBackup.Tsm.Codecs;

/// <summary>
/// Unsigned 64-bit integers: the same bits as signed ones, stored as <see cref="IntegerCodec"/> stores them.
/// Reference: InfluxDB 1.4 and later, <c>tsdb/engine/tsm1/encoding.go</c>.
/// </summary>
public static class UnsignedCodec
{
    /// <summary>How many values these bytes stand for, without unpacking them. A run can claim any number.</summary>
    public static ulong Count(ReadOnlySpan<byte> encoded) => IntegerCodec.Count(encoded);

    /// <summary>
    /// Unpacks all values into <paramref name="destination"/>, which must have room for <see cref="Count"/> of them. A few
    /// behind them may be overwritten, where it has room for more.
    /// </summary>
    /// <returns>How many there were.</returns>
    public static int Decode(ReadOnlySpan<byte> encoded, Span<ulong> destination) =>
        IntegerCodec.Decode(encoded, MemoryMarshal.Cast<ulong, long>(destination));

    /// <summary>Packs all values, of which there is at least one.</summary>
    public static void Encode(ReadOnlySpan<ulong> values, IBufferWriter<byte> destination) =>
        IntegerCodec.Encode(MemoryMarshal.Cast<ulong, long>(values), destination);
}
