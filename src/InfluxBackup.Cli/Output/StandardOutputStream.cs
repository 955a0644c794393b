using System.Runtime.InteropServices;
using InfluxBackup.BackupSets;

namespace InfluxBackup.Cli.Output;

/// <summary>
/// Standard output for data. The stream of .NET's console takes a reader that went away (EPIPE) for the end of all wishes and says
/// nothing: an export would be called complete of which half has arrived.
/// </summary>
internal sealed class StandardOutputStream : WriteOnlyStream
{
    private const int Descriptor = 1;
    private const int Interrupted = 4;
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;

    private long written;

    private StandardOutputStream()
    {
    }

    public override long Length => written;

    public override long Position
    {
        get => written;
        set => throw new NotSupportedException();
    }

    public static Stream Open() => OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : new StandardOutputStream();

    /// <exception cref="IOException">It can't be written, for instance because nobody reads any more.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var count = (int)WriteBytes(Descriptor, ref MemoryMarshal.GetReference(buffer), buffer.Length);
            if (count >= 0)
            {
                buffer = buffer[count..];
                written += count;
                continue;
            }

            var error = Marshal.GetLastPInvokeError();
            if (error is LinuxWouldBlock or MacWouldBlock)
            {
                // Somebody made it so for a terminal or pipe that is shared.
                Thread.Sleep(1);
            }
            else if (error != Interrupted)
            {
                throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
            }
        }
    }

    [DllImport("libc", EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint WriteBytes(int descriptor, ref byte buffer, nint count);
}
