using System.Runtime.InteropServices;

namespace InfluxBackup.BackupSets;

/// <summary>A megabyte of memory on a page boundary, as writes past the page cache need it.</summary>
internal sealed unsafe class AlignedBlock : IDisposable
{
    public const int Size = 1 << 20;

    private const int PageSize = 4096;

    private void* memory = NativeMemory.AlignedAlloc(Size, PageSize);

    ~AlignedBlock() => Free();

    public Span<byte> Span => memory is null ? throw new ObjectDisposedException(nameof(AlignedBlock)) : new Span<byte>(memory, Size);

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(memory);
        memory = null;
    }
}
