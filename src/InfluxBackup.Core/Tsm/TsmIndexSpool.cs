namespace InfluxBackup.Tsm;

/// <summary>
/// Holds the index of a TSM file while its blocks are written, as the index comes after them: in memory as long as it is
/// small, in a temporary file from then on. So memory stays flat however many keys there are.
/// </summary>
internal sealed class TsmIndexSpool(string directory, int largestInMemory) : IDisposable
{
    private readonly MemoryStream memory = new();
    private FileStream? file;

    /// <summary>Bytes so far.</summary>
    public long Length { get; private set; }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (file is null && Length + bytes.Length > largestInMemory)
        {
            file = Create();
            memory.WriteTo(file);
            memory.SetLength(0);
            memory.Capacity = 0;
        }
        if (file is null)
        {
            memory.Write(bytes);
        }
        else
        {
            file.Write(bytes);
        }
        Length += bytes.Length;
    }

    public void CopyTo(Stream destination)
    {
        if (file is null)
        {
            memory.WriteTo(destination);
            return;
        }
        file.Position = 0;
        file.CopyTo(destination);
    }

    /// <summary>A file for its owner alone: keys are data. It goes with this object.</summary>
    private FileStream Create()
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            BufferSize = 64 << 10,
            Options = FileOptions.DeleteOnClose,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }
        return new FileStream(Path.Combine(directory, $"influxbackup-{Guid.NewGuid():N}.index"), options);
    }

    public void Dispose()
    {
        file?.Dispose();
        memory.Dispose();
    }
}
