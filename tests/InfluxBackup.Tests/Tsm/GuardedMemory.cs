using System.Runtime.InteropServices;

namespace InfluxBackup.Tests.Tsm;

/// <summary>
/// Memory between two pages that must not be touched: whoever reads or writes a byte before or behind what he was given
/// ends the process. On Linux; elsewhere it is memory like any other.
/// </summary>
internal sealed unsafe partial class GuardedMemory : IDisposable
{
    private readonly byte* start;
    private readonly int size;
    private readonly nuint page = (nuint)Environment.SystemPageSize;

    public GuardedMemory(int size)
    {
        this.size = (size + (int)page - 1) / (int)page * (int)page;
        if (!OperatingSystem.IsLinux())
        {
            start = (byte*)NativeMemory.AllocZeroed((nuint)this.size);
            return;
        }
        const int ReadWrite = 3, PrivateAnonymous = 0x22;
        var mapped = Map(0, (nuint)this.size + 2 * page, ReadWrite, PrivateAnonymous, -1, 0);
        Assert.NotEqual(-1, mapped);
        start = (byte*)mapped + page;
        Assert.Equal(0, Protect(mapped, page, 0));
        Assert.Equal(0, Protect((nint)(start + this.size), page, 0));
    }

    /// <summary>Room with nothing behind it.</summary>
    public Span<byte> BeforeTheEnd(int length) => length <= size ? new Span<byte>(start + size - length, length) : throw new ArgumentOutOfRangeException(nameof(length));

    /// <summary>Room with nothing in front of it.</summary>
    public Span<byte> AtTheStart(int length) => length <= size ? new Span<byte>(start, length) : throw new ArgumentOutOfRangeException(nameof(length));

    public void Dispose()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = Unmap((nint)(start - page), (nuint)size + 2 * page);
        }
        else
        {
            NativeMemory.Free(start);
        }
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Unmap(nint address, nuint length);
}
