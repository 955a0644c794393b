using System.Buffers;

namespace InfluxBackup.Tsm;

/// <summary>
/// A piece of a file in a pooled buffer, for reading that goes mostly forward: index entries, and blocks one after
/// another. What lies in the buffer already is not read again; of a file that is in memory nothing is copied at all.
/// </summary>
internal sealed class TsmWindow(TsmFile file, long limit, int size = TsmWindow.Size) : IDisposable
{
    /// <summary>Large enough that the system call disappears beside the work, small enough for the cache.</summary>
    public const int Size = 256 << 10;

    private byte[] buffer = [];
    private long start;
    private int filled;

    /// <summary>
    /// The bytes at an offset, valid until the next call. The caller has checked that they lie before the limit of this
    /// window and decided that so many bytes may be in memory at once.
    /// </summary>
    public ReadOnlySpan<byte> Read(long offset, int length)
    {
        if (file.TryGetMemory(offset, length, out var memory))
        {
            return memory;
        }
        if (offset < start || offset + length > start + filled)
        {
            Fill(offset, length);
        }
        return buffer.AsSpan((int)(offset - start), length);
    }

    private void Fill(long offset, int length)
    {
        if (length > buffer.Length || buffer.Length == 0)
        {
            Dispose();
            buffer = ArrayPool<byte>.Shared.Rent(Math.Max(length, size));
        }
        filled = 0;
        var wanted = (int)Math.Min(limit - offset, Math.Max(length, size));
        file.Read(offset, buffer.AsSpan(0, wanted));
        start = offset;
        filled = wanted;
    }

    public void Dispose()
    {
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = [];
            filled = 0;
        }
    }
}
