using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace InfluxBackup.BackupSets;

/// <summary>
/// What local files need so that nothing half-written is ever seen and nothing seen can be lost: flushed to the disk before
/// they get their name, and the name itself flushed with its directory.
/// </summary>
public static partial class LocalFile
{
    /// <summary>Ending of files that are not finished.</summary>
    public const string PartialSuffix = ".partial";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;
    private const int WindowsSharingViolation = unchecked((int)0x80070020);
    private const int WindowsLockViolation = unchecked((int)0x80070021);
    private const int PosixInputOutput = 5;
    private const int PosixInvalidArgument = 22;
    private const int GetStatusFlags = 3;
    private const int SetStatusFlags = 4;
    private const int PosixNoSpace = 28;
    private const int WindowsDiskFull = unchecked((int)0x80070070);
    private const int WindowsHandleDiskFull = unchecked((int)0x80070027);

    /// <summary>Creates a file that only its owner can read: metadata hold password hashes, shards hold data.</summary>
    public static FileStream Create(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        return new FileStream(path, options);
    }

    /// <summary>Opens a file to go on writing it.</summary>
    public static FileStream OpenExisting(string path) =>
        new(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 });

    /// <summary>Creates a directory that only its owner can enter; one that exists stays as it is.</summary>
    public static void CreateDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        }
    }

    /// <summary>Writes a small file whole and flushes it to the disk.</summary>
    public static void WriteDurably(string path, ReadOnlySpan<byte> content)
    {
        using var file = Create(path);
        file.Write(content);
        file.Flush(flushToDisk: true);
    }

    /// <summary>Makes renames and new names in a directory survive a power cut. Windows does so by itself.</summary>
    public static void FlushDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var descriptor = Open(path, 0);
        if (descriptor < 0)
        {
            throw new IOException($"Directory '{path}' could not be opened (error {Marshal.GetLastPInvokeError()}).");
        }

        try
        {
            // Some network file systems have no such thing as a directory flush (EINVAL); the rename is then as durable as it gets.
            if (FSync(descriptor) != 0 && Marshal.GetLastPInvokeError() is PosixInputOutput or PosixNoSpace)
            {
                throw new IOException($"Directory '{path}' could not be flushed to the disk (error {Marshal.GetLastPInvokeError()}).", Marshal.GetLastPInvokeError());
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    /// <summary>Whether a file could not be opened because another process has it locked.</summary>
    public static bool IsLockHeld(IOException e) => e.HResult is LinuxWouldBlock or MacWouldBlock or WindowsSharingViolation or WindowsLockViolation;

    /// <summary>
    /// Makes writes to a file go past the page cache (Linux: O_DIRECT), or through it again. False where that can't be had; the
    /// file is then as it was.
    /// </summary>
    public static bool TryBypassCache(SafeFileHandle file, bool on)
    {
        var direct = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => 0x4000,
            Architecture.Arm64 => 0x10000,
            _ => 0,
        };
        if (!OperatingSystem.IsLinux() || direct == 0)
        {
            return false;
        }

        var flags = FControl(file, GetStatusFlags, 0);
        return flags >= 0 && FControl(file, SetStatusFlags, on ? flags | direct : flags & ~direct) == 0;
    }

    /// <summary>Whether the file system refused the arguments of a call.</summary>
    public static bool IsInvalidArgument(IOException e) => e.HResult == PosixInvalidArgument;

    /// <summary>Whether an exception is one of the file system's.</summary>
    public static bool IsFileError(Exception e) => e is IOException or UnauthorizedAccessException;

    /// <summary>Turns what the file system threw on writing into an error that names the path and the cause.</summary>
    /// <param name="path">What was being written.</param>
    /// <param name="e">What was thrown.</param>
    /// <param name="remedy">What to do, where it is not the usual.</param>
    public static InfluxBackupException WriteFailed(string path, Exception e, string? remedy = null) => e.HResult switch
    {
        PosixNoSpace or WindowsDiskFull or WindowsHandleDiskFull => new InfluxBackupException(
            "DiskFull", ErrorKind.Write, $"The disk is full: '{path}' could not be written.", e)
        {
            Subject = path,
            Remedy = remedy ?? "Free space or choose another path; nothing half-written is left behind.",
        },
        _ => new InfluxBackupException("PathNotWritable", ErrorKind.Write, $"'{path}' could not be written: {e.Message}", e)
        {
            Subject = path,
            Remedy = remedy ?? "Check the path and its permissions.",
        },
    };

    /// <summary>Turns what the file system threw on reading into an error that names the path.</summary>
    public static InfluxBackupException ReadFailed(string path, Exception e) =>
        new("PathNotReadable", ErrorKind.Read, $"'{path}' could not be read: {e.Message}", e) { Subject = path };

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int FControl(SafeFileHandle file, int command, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
