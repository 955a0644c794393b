using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using InfluxBackup.BackupSets;

namespace InfluxBackup.Operations;

/// <summary>How far an export has come, written beside its files so that a run that was stopped can be resumed.</summary>
internal sealed record ExportProgress
{
    /// <summary>What makes two runs the same: source, options, version of the journal.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>How many units of the plan are done.</summary>
    public int UnitsDone { get; init; }

    /// <summary>Hash of their names: by days of a century there are tens of thousands.</summary>
    public string UnitsHash { get; init; } = "";

    /// <summary>Files that are complete.</summary>
    public IReadOnlyList<ExportedFile> Files { get; init; } = [];

    /// <summary>The file that was being written; null if none was.</summary>
    public OpenExportFile? Open { get; init; }

    public IReadOnlyList<ExportFinding> Findings { get; init; } = [];

    public long FindingCount { get; init; }
}

/// <summary>A file of which <see cref="Length"/> bytes are good.</summary>
internal sealed record OpenExportFile
{
    public required string Path { get; init; }

    public required ExportFileKey Key { get; init; }

    public required int Part { get; init; }

    public required long Length { get; init; }

    public required long TextLength { get; init; }

    public required LineCounts Counts { get; init; }

    /// <summary>Database and policy whose context lines were written last.</summary>
    public string? Context { get; init; }
}

/// <summary>
/// The journal file: read whole, and replaced whole and durably. Beside it stand, a line each, the paths of the files that were
/// completed since.
/// </summary>
internal sealed class ExportJournal(string path)
{
    /// <summary>What the name of a journal ends in.</summary>
    public const string Suffix = ".resume";

    private const string CompletedSuffix = ".completed";
    private const string Version = "2";

    public string Path { get; } = path;

    /// <summary>A short hash of everything that must be equal.</summary>
    public static string Fingerprint(IEnumerable<string> parts) =>
        Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', parts.Prepend(Version)))))[..32];

    /// <summary>Reads what the last run wrote.</summary>
    /// <exception cref="InfluxBackupException">There is none, it is damaged, or it is of another export.</exception>
    public ExportProgress Read(string fingerprint)
    {
        ExportProgress? progress;
        try
        {
            progress = JsonSerializer.Deserialize<ExportProgress>(File.ReadAllBytes(Path));
        }
        catch (FileNotFoundException e)
        {
            throw new InfluxBackupException("NothingToResume", ErrorKind.NotFound, $"There is no export to resume: '{Path}' does not exist.", e)
            {
                Subject = Path,
                Remedy = "It is there only after a run was stopped. Leave out -Resume (--resume) to start from the beginning.",
            };
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw Invalid($"it is damaged ({e.Message})", e);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(Path, e);
        }

        return progress?.Fingerprint == fingerprint ? progress : throw Invalid("it belongs to an export of another source or with other options");
    }

    public void Write(ExportProgress progress)
    {
        try
        {
            var partial = Path + LocalFile.PartialSuffix;
            LocalFile.WriteDurably(partial, JsonSerializer.SerializeToUtf8Bytes(progress));
            File.Move(partial, Path, overwrite: true);
            LocalFile.FlushDirectory(System.IO.Path.GetDirectoryName(Path)!);
            File.Delete(CompletedPath);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.WriteFailed(Path, e);
        }
    }

    /// <summary>Notes durably that a file gets its name. Few bytes, so that thousands of files cost no more than themselves.</summary>
    public void AddCompleted(string path)
    {
        using var list = new FileStream(CompletedPath, FileMode.Append, FileAccess.Write);
        list.Write(JsonSerializer.SerializeToUtf8Bytes(path));
        list.Write("\n"u8);
        list.Flush(flushToDisk: true);
    }

    /// <summary>The files that were completed since the journal was written. A last line that was cut is of a file that has no name yet.</summary>
    public IReadOnlyList<string> ReadCompleted()
    {
        try
        {
            return !File.Exists(CompletedPath) ? []
                : [.. File.ReadAllText(CompletedPath).Split('\n')[..^1].Select(line => JsonSerializer.Deserialize<string>(line)!)];
        }
        catch (JsonException e)
        {
            throw Invalid($"'{CompletedPath}' is damaged ({e.Message})", e);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(CompletedPath, e);
        }
    }

    public void Delete()
    {
        try
        {
            File.Delete(Path);
            File.Delete(CompletedPath);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.WriteFailed(Path, e);
        }
    }

    private string CompletedPath => Path + CompletedSuffix;

    public InfluxBackupException Invalid(string why, Exception? inner = null) =>
        new("ResumeNotPossible", ErrorKind.InvalidData, $"The export can't be resumed from '{Path}': {why}.", inner)
        {
            Subject = Path,
            Remedy = "Give the same source and options as before, or leave out -Resume (--resume) to start from the beginning.",
        };
}
