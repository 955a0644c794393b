using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace InfluxBackup.Operations.Staging;

/// <summary>
/// Bytes outside of the garbage collector's heap: exactly as many as asked for, and the system's again as soon as they are freed.
/// Arrays of this size would stay in the large object heap until a full collection, or in a pool that rounds them up to a power of two.
/// </summary>
internal sealed unsafe class NativeBuffer(int length) : MemoryManager<byte>
{
    private void* bytes = NativeMemory.Alloc((nuint)Math.Max(length, 1));

    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(bytes is null, this);
        return new Span<byte>(bytes, length);
    }

    /// <summary>It does not move.</summary>
    public override MemoryHandle Pin(int elementIndex = 0) => new(Unsafe.Add<byte>(bytes, elementIndex));

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
        NativeMemory.Free(bytes);
        bytes = null;
    }
}
