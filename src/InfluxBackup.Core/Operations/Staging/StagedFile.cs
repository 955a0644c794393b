using InfluxBackup.BackupSets;
using InfluxBackup.Tsm;
using Microsoft.Win32.SafeHandles;

namespace InfluxBackup.Operations.Staging;

/// <summary>One file of an archive, first filled, then read, then thrown away.</summary>
public sealed class StagedFile : IDisposable
{
    private readonly NativeBuffer? memory;
    private readonly SafeFileHandle? file;
    private Action? release;
    private long length;

    internal StagedFile(string name, NativeBuffer memory, Action release)
    {
        Name = name;
        this.memory = memory;
        this.release = release;
    }

    internal StagedFile(string name, SafeFileHandle file)
    {
        Name = name;
        this.file = file;
    }

    /// <summary>Name below the shard's directory.</summary>
    public string Name { get; }

    public long Length => length;

    /// <summary>Appends.</summary>
    /// <exception cref="InfluxBackupException">The disk is full.</exception>
    public void Write(ReadOnlySpan<byte> data)
    {
        if (memory is not null)
        {
            data.CopyTo(memory.GetSpan()[(int)length..]);
        }
        else
        {
            try
            {
                RandomAccess.Write(file!, data, length);
            }
            catch (Exception e) when (LocalFile.IsFileError(e))
            {
                throw LocalFile.WriteFailed(Path.GetTempPath(), e);
            }
        }

        length += data.Length;
    }

    /// <summary>The file, to be read as TSM; valid until this object is disposed of.</summary>
    public TsmFile OpenTsm() => memory is not null ? TsmFile.FromMemory(memory.Memory[..(int)length], Name) : TsmFile.FromHandle(file!, Name);

    /// <summary>The file from its start; valid until this object is disposed of.</summary>
    public Stream OpenStream() => new StagedStream(this);

    public void Dispose()
    {
        ((IDisposable?)memory)?.Dispose();
        file?.Dispose();
        Interlocked.Exchange(ref release, null)?.Invoke();
    }

    private sealed class StagedStream(StagedFile staged) : ReadOnlyStream
    {
        private long position;

        public override int Read(Span<byte> buffer)
        {
            var wanted = buffer[..(int)Math.Min(buffer.Length, staged.length - position)];
            var read = wanted.Length;
            if (staged.memory is not null)
            {
                staged.memory.GetSpan().Slice((int)position, read).CopyTo(wanted);
            }
            else
            {
                read = RandomAccess.Read(staged.file!, wanted, position);
            }

            position += read;
            return read;
        }
    }
}
