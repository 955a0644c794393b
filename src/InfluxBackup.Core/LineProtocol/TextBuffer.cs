using System.Buffers;
using System.Runtime.CompilerServices;

namespace InfluxBackup.LineProtocol;

/// <summary>Text that is being written, in a pooled array that grows.</summary>
public sealed class TextBuffer : IDisposable
{
    private byte[] bytes;

    public TextBuffer(int capacity) => bytes = ArrayPool<byte>.Shared.Rent(capacity);

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Written => bytes.AsMemory(0, Length);

    public void Clear() => Length = 0;

    public void Write(ReadOnlySpan<byte> text)
    {
        EnsureRoom(text.Length);
        text.CopyTo(bytes.AsSpan(Length));
        Length += text.Length;
    }

    /// <summary>Where the next byte goes, with room for <paramref name="length"/> of them. <see cref="Advance"/> tells how many were written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref byte Reserve(int length)
    {
        if (bytes.Length - Length < length)
        {
            EnsureRoom(length);
        }
        return ref Unsafe.Add(ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(bytes), Length);
    }

    /// <summary>The same as a span of exactly that length.</summary>
    internal Span<byte> ReserveSpan(int length)
    {
        EnsureRoom(length);
        return bytes.AsSpan(Length, length);
    }

    internal void Advance(int length) => Length += length;

    private void EnsureRoom(int length)
    {
        if (bytes.Length - Length >= length)
        {
            return;
        }
        var grown = ArrayPool<byte>.Shared.Rent(Math.Max(checked(Length + length), (int)Math.Min(Array.MaxLength, 2L * bytes.Length)));
        Written.Span.CopyTo(grown);
        ArrayPool<byte>.Shared.Return(bytes);
        bytes = grown;
    }

    public void Dispose()
    {
        if (bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(bytes);
            bytes = [];
            Length = 0;
        }
    }
}
