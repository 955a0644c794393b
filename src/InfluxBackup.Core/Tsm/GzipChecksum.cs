using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ICSharpCode.SharpZipLib.Checksum;

namespace InfluxBackup.Tsm;

/// <summary>
/// CRC-32 as in gzip (polynomial 04C11DB7, reflected), which the blocks of TSM files carry as well. With carry-less multiplication 64 bytes at a time are folded into a
/// remainder of 64 bytes, as in "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction" (Intel, 2009), whose
/// constants these are. It is on the main path of a backup, where every byte passes: on the machine of the benchmark it takes
/// 0.06 ns a byte (17 GB/s), SharpZipLib's <see cref="Crc32"/> 0.24 ns (4.2 GB/s); that one serves other processors.
/// </summary>
public sealed class GzipChecksum
{
    private const int Lane = 16;
    private const int Stride = 4 * Lane;
    private const int CopySize = 8 << 10;

    private static readonly uint[] Table = CreateTable();

    private readonly Crc32? portable = Pclmulqdq.IsSupported && Sse2.IsSupported ? null : new Crc32();
    private uint state = uint.MaxValue;
    private byte[]? copy;

    /// <summary>The checksum of everything so far.</summary>
    public uint Value => portable is null ? ~state : (uint)portable.Value;

    /// <summary>Starts again from nothing.</summary>
    public void Reset()
    {
        state = uint.MaxValue;
        portable?.Reset();
    }

    /// <summary>Takes the next bytes.</summary>
    public void Update(ReadOnlySpan<byte> span)
    {
        if (portable is not null)
        {
            UpdatePortable(portable, span);
            return;
        }

        if (span.Length >= Stride)
        {
            var folded = span.Length - (span.Length % Lane);
            state = Fold(state, span[..folded]);
            span = span[folded..];
        }

        foreach (var b in span)
        {
            state = Table[(byte)(state ^ b)] ^ (state >> 8);
        }
    }

    /// <summary>The library takes arrays only: the bytes pass through a small one.</summary>
    private void UpdatePortable(Crc32 portable, ReadOnlySpan<byte> bytes)
    {
        copy ??= new byte[CopySize];
        while (!bytes.IsEmpty)
        {
            var length = Math.Min(bytes.Length, copy.Length);
            bytes[..length].CopyTo(copy);
            portable.Update(new ArraySegment<byte>(copy, 0, length));
            bytes = bytes[length..];
        }
    }

    /// <summary>At least 64 bytes, a multiple of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static uint Fold(uint crc, ReadOnlySpan<byte> bytes)
    {
        // x^(4*128+32), x^(4*128-32), then for one lane x^(128+32), x^(128-32), all modulo the polynomial, reflected.
        var byFour = Vector128.Create(0x0154442bd4UL, 0x01c6e41596UL);
        var byOne = Vector128.Create(0x01751997d0UL, 0x00ccaa009eUL);
        ref var first = ref MemoryMarshal.GetReference(bytes);
        nuint offset = Stride;
        var length = (nuint)bytes.Length;

        var a = Load(ref first, 0) ^ Vector128.CreateScalar(crc).AsUInt64();
        var b = Load(ref first, Lane);
        var c = Load(ref first, 2 * Lane);
        var d = Load(ref first, 3 * Lane);
        for (; length - offset >= Stride; offset += Stride)
        {
            a = Shift(a, byFour) ^ Load(ref first, offset);
            b = Shift(b, byFour) ^ Load(ref first, offset + Lane);
            c = Shift(c, byFour) ^ Load(ref first, offset + (2 * Lane));
            d = Shift(d, byFour) ^ Load(ref first, offset + (3 * Lane));
        }

        a = Shift(a, byOne) ^ b;
        a = Shift(a, byOne) ^ c;
        a = Shift(a, byOne) ^ d;
        for (; offset < length; offset += Lane)
        {
            a = Shift(a, byOne) ^ Load(ref first, offset);
        }

        return Reduce(a, byOne);
    }

    private static Vector128<ulong> Load(ref byte first, nuint offset) => Vector128.LoadUnsafe(ref first, offset).AsUInt64();

    private static Vector128<ulong> Shift(Vector128<ulong> remainder, Vector128<ulong> by) =>
        Pclmulqdq.CarrylessMultiply(remainder, by, 0x00) ^ Pclmulqdq.CarrylessMultiply(remainder, by, 0x11);

    /// <summary>128 bits to 64, to 32 by x^64, then Barrett's reduction.</summary>
    private static uint Reduce(Vector128<ulong> a, Vector128<ulong> byOne)
    {
        var low32 = Vector128.Create(0x00000000ffffffffUL, 0UL);
        var by64 = Vector128.CreateScalar(0x0163cd6124UL);
        var barrett = Vector128.Create(0x01db710641UL, 0x01f7011641UL);

        a = Pclmulqdq.CarrylessMultiply(a, byOne, 0x10) ^ Sse2.ShiftRightLogical128BitLane(a, 8);
        a = Pclmulqdq.CarrylessMultiply(a & low32, by64, 0x00) ^ Sse2.ShiftRightLogical128BitLane(a, 4);
        var quotient = Pclmulqdq.CarrylessMultiply(a & low32, barrett, 0x10) & low32;
        a ^= Pclmulqdq.CarrylessMultiply(quotient, barrett, 0x00);
        return a.AsUInt32().GetElement(1);
    }

    private static uint[] CreateTable()
    {
        var table = new uint[256];
        for (uint i = 0; i < table.Length; i++)
        {
            var value = i;
            for (var bit = 0; bit < 8; bit++)
            {
                value = (value & 1) == 0 ? value >> 1 : (value >> 1) ^ 0xedb88320;
            }

            table[i] = value;
        }

        return table;
    }
}
