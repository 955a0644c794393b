using System.IO.Compression;
using System.Text;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;

namespace InfluxBackup.Operations;

/// <summary>One file of an export while it is written: under a name of its own until it is complete, or a stream.</summary>
internal sealed class ExportFileWriter : IDisposable
{
    private readonly ExportFileKey key;
    private readonly CompressionLevel? compression;
    private readonly Stream destination;
    private readonly string? path;
    private readonly int part;
    private long textLength;
    private LineCounts counts = LineCounts.None;
    private LineCounts unit = LineCounts.None;
    private string? context;

    private ExportFileWriter(ExportFileKey key, string? path, int part, Stream destination, CompressionLevel? compression)
    {
        this.key = key;
        this.path = path;
        this.part = part;
        this.destination = destination;
        this.compression = compression;
    }

    public ExportFileKey Key => key;

    public int Part => part;

    /// <summary>Bytes written.</summary>
    public long Length { get; private set; }

    /// <summary>Whether there is a line in it.</summary>
    public bool HasLines => counts.Lines > 0 || unit.Lines > 0;

    public static ExportFileWriter Create(ExportFileKey key, string path, int part, CompressionLevel? compression)
    {
        try
        {
            return new ExportFileWriter(key, path, part, new HashedFileWriter(path + LocalFile.PartialSuffix), compression);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.WriteFailed(path, e, ExportErrors.ResumeRemedy);
        }
    }

    /// <summary>Writes to a stream that stays the caller's.</summary>
    public static ExportFileWriter Create(ExportFileKey key, Stream stream, CompressionLevel? compression) => new(key, null, 1, stream, compression);

    public static ExportFileWriter Resume(OpenExportFile file, CompressionLevel? compression, CancellationToken cancel)
    {
        var partial = file.Path + LocalFile.PartialSuffix;
        try
        {
            // It may have been completed after the journal was written, in the middle of a shard that has to be done again.
            if (!File.Exists(partial) && File.Exists(file.Path))
            {
                File.Move(file.Path, partial);
            }

            return new ExportFileWriter(file.Key, file.Path, file.Part, HashedFileWriter.Resume(partial, file.Length, cancel), compression)
            {
                Length = file.Length,
                textLength = file.TextLength,
                counts = file.Counts,
                context = file.Context,
            };
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(partial, e);
        }
    }

    /// <summary>What stands at the top.</summary>
    public void WriteHeader(string text) => WriteText(text);

    /// <summary>Context lines, where database or policy are others than those before.</summary>
    public void EnterContext(ShardKey shard)
    {
        var lines = ExportHeader.Context(shard);
        if (context != lines)
        {
            WriteText(lines);
            context = lines;
        }
    }

    public void Write(TextChunk chunk)
    {
        WriteBytes(chunk.Bytes.Span);
        textLength += chunk.TextLength;
        unit = unit.Then(chunk.Counts);
    }

    /// <summary>Ends a shard, or a day of one: its series are counted for themselves.</summary>
    public void EndUnit()
    {
        counts += unit;
        unit = LineCounts.None;
    }

    /// <summary>Makes everything so far durable, and describes it for the journal. Null for a stream.</summary>
    public OpenExportFile? Checkpoint()
    {
        if (destination is not HashedFileWriter file)
        {
            return null;
        }

        Guarded(file.Checkpoint);
        return new OpenExportFile { Path = path!, Key = key, Part = part, Length = Length, TextLength = textLength, Counts = counts, Context = context };
    }

    /// <summary>Gives the file its name; from now on it is there.</summary>
    /// <param name="naming">Told of the name just before; not called for a stream.</param>
    public ExportedFile Complete(Action<string> naming)
    {
        EndUnit();
        string? sha256 = null;
        Guarded(() =>
        {
            if (destination is HashedFileWriter file)
            {
                sha256 = file.Complete();
                file.Dispose();
                naming(path!);
                File.Move(path! + LocalFile.PartialSuffix, path!, overwrite: true);
                LocalFile.FlushDirectory(Path.GetDirectoryName(path)!);
            }
            else
            {
                destination.Flush();
            }
        });
        return new ExportedFile
        {
            Path = path ?? "-",
            Database = key.Database,
            RetentionPolicy = key.RetentionPolicy,
            ShardId = key.ShardId,
            Lines = counts.Lines,
            Points = counts.Points,
            Series = counts.Series,
            Bytes = Length,
            TextBytes = textLength,
            StartTime = counts.Lines == 0 ? null : ShardTime.ToDateTime(counts.FirstTime),
            EndTime = counts.Lines == 0 ? null : ShardTime.ToDateTime(counts.LastTime),
            Sha256 = sha256,
        };
    }

    /// <summary>What is not complete stays under its partial name, to be resumed or replaced.</summary>
    public void Dispose()
    {
        if (destination is HashedFileWriter)
        {
            destination.Dispose();
        }
    }

    private void WriteText(string text)
    {
        using var chunk = new TextChunk();
        chunk.Text.Write(Encoding.UTF8.GetBytes(text));
        chunk.Complete(compression);
        WriteBytes(chunk.Bytes.Span);
        textLength += chunk.TextLength;
    }

    private void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        try
        {
            destination.Write(bytes);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw WriteFailed(e);
        }

        Length += bytes.Length;
    }

    private InfluxBackupException WriteFailed(Exception e) => path is null
        ? LocalFile.WriteFailed("standard output", e, "Whoever reads it has gone, or has no more room.")
        : LocalFile.WriteFailed(path, e, ExportErrors.ResumeRemedy);

    private void Guarded(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw WriteFailed(e);
        }
    }
}
