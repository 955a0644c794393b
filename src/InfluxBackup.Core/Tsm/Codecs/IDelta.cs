using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace InfluxBackup.Tsm.Codecs;

/// <summary>
/// What a stored number means as a difference. Implemented by structs, so that the loops of <see cref="DeltaSums"/> are
/// compiled once for each of them. Of zero it is zero: the loops rely on that for lanes that hold nothing.
/// </summary>
internal interface IDelta
{
    ulong Of(ulong stored);

    Vector256<ulong> Of(Vector256<ulong> stored);
}

/// <summary>Stored as it is.</summary>
internal readonly struct PlainDelta : IDelta
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Of(ulong stored) => stored;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<ulong> Of(Vector256<ulong> stored) => stored;
}

/// <summary>Signed, the sign in the lowest bit: 0, −1, 1, −2 … are stored as 0, 1, 2, 3 ….</summary>
internal readonly struct ZigzagDelta : IDelta
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Of(ulong stored) => (stored >> 1) ^ (0 - (stored & 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<ulong> Of(Vector256<ulong> stored) =>
        Vector256.ShiftRightLogical(stored, 1) ^ (Vector256<ulong>.Zero - (stored & Vector256.Create(1UL)));
}

/// <summary>Divided by a scale below 2^63, modulo 2^64.</summary>
internal readonly struct ScaledDelta(ulong scale) : IDelta
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Of(ulong stored) => stored * scale;

    /// <summary>A product of 64 bits from three of 32: few processors multiply 64 in one step. Called where AVX2 is there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<ulong> Of(Vector256<ulong> stored)
    {
        var low = Vector256.Create(scale & uint.MaxValue).AsUInt32();
        var high = Vector256.Create(scale >> 32).AsUInt32();
        var crossed = Avx2.Multiply(stored.AsUInt32(), high) + Avx2.Multiply(Vector256.ShiftRightLogical(stored, 32).AsUInt32(), low);
        return Avx2.Multiply(stored.AsUInt32(), low) + Vector256.ShiftLeft(crossed, 32);
    }
}
