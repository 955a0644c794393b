using System.Text.Json;
using InfluxBackup.BackupSets;
using InfluxBackup.LineProtocol;

namespace InfluxBackup.Operations;

/// <summary>
/// How far a file has been imported: a small JSON file beside it. Everything before the place is in the database or in the reject
/// file. What follows may be there in part; writing it again changes nothing.
/// </summary>
internal sealed record ImportCheckpoint
{
    /// <summary>Ending that is added to the name of the file.</summary>
    public const string Suffix = ".import-checkpoint";

    private const int CurrentFormat = 1;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    public int Format { get; init; } = CurrentFormat;

    /// <summary>Size and hash by which the file is known again.</summary>
    public long Length { get; init; }

    public string ContentSha256 { get; init; } = "";

    public IReadOnlyList<string> Servers { get; init; } = [];

    /// <summary>When the first run began: the time of lines that have none.</summary>
    public DateTime Begin { get; init; }

    /// <summary>Unit of the times, as servers name it.</summary>
    public string Precision { get; init; } = "";

    /// <summary>Where lines go that the file names no database for.</summary>
    public string? DefaultDatabase { get; init; }

    /// <summary>Where lines go that the file names no policy for.</summary>
    public string? DefaultRetentionPolicy { get; init; }

    public string? NewDatabase { get; init; }

    public string? NewRetentionPolicy { get; init; }

    /// <summary>Bytes of text before the place, unpacked.</summary>
    public long Offset { get; init; }

    public long LineNumber { get; init; } = 1;

    public string? Database { get; init; }

    public string? RetentionPolicy { get; init; }

    /// <summary>Lines rejected so far, in all runs.</summary>
    public long Rejected { get; init; }

    /// <summary>The file is done; others of the same run may not be.</summary>
    public bool IsFinished { get; init; }

    public static string PathFor(string file) => file + Suffix;

    public ImportPosition Position => new(Offset, LineNumber, new ScriptContext(Database, RetentionPolicy));

    /// <summary>The checkpoint of a file; null when there is none.</summary>
    /// <exception cref="InfluxBackupException">It can't be read, or is none.</exception>
    public static ImportCheckpoint? Read(string path)
    {
        try
        {
            return !File.Exists(path) ? null
                : JsonSerializer.Deserialize<ImportCheckpoint>(File.ReadAllBytes(path), Json) is { Format: CurrentFormat, Offset: >= 0, LineNumber: > 0 } read ? read
                : throw Unreadable(path, null);
        }
        catch (JsonException e)
        {
            throw Unreadable(path, e);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(path, e);
        }
    }

    /// <summary>Replaces the checkpoint, so that after a power cut there is either the old one or the new one.</summary>
    public void Write(string path)
    {
        var partial = path + LocalFile.PartialSuffix;
        LocalFile.WriteDurably(partial, JsonSerializer.SerializeToUtf8Bytes(this, Json));
        File.Move(partial, path, overwrite: true);
        LocalFile.FlushDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>Says why an import can't go on from here.</summary>
    public void Check(string file, ImportCheckpoint now)
    {
        if (Length != now.Length || ContentSha256 != now.ContentSha256)
        {
            throw Mismatch(file, "the file has changed since");
        }

        if (!Servers.Intersect(now.Servers, StringComparer.OrdinalIgnoreCase).Any())
        {
            throw Mismatch(file, $"that import went to {string.Join(", ", Servers)}");
        }

        if (Precision != now.Precision)
        {
            throw Mismatch(file, $"that import took its times for '{Precision}'");
        }

        if (DefaultDatabase != now.DefaultDatabase || DefaultRetentionPolicy != now.DefaultRetentionPolicy)
        {
            throw Mismatch(file, $"that import went into {Place(DefaultDatabase, DefaultRetentionPolicy)} where the file names nothing else");
        }

        if (NewDatabase != now.NewDatabase || NewRetentionPolicy != now.NewRetentionPolicy)
        {
            throw Mismatch(file, $"that import went into {Place(NewDatabase, NewRetentionPolicy)}");
        }
    }

    private static string Place(string? database, string? policy) =>
        (database is null ? "the databases that the file names" : $"database '{database}'") + (policy is null ? "" : $", policy '{policy}'");

    private static InfluxBackupException Mismatch(string file, string why) =>
        new("CheckpointMismatch", ErrorKind.InvalidArgument, $"The import of '{file}' can't be resumed: {why}.")
        {
            Subject = PathFor(file),
            Remedy = "Import it from the beginning, without resuming.",
        };

    private static InfluxBackupException Unreadable(string path, Exception? inner) =>
        new("CheckpointUnreadable", ErrorKind.InvalidData, $"'{path}' is no checkpoint of an import.", inner)
        {
            Subject = path,
            Remedy = "Remove it and import the file from the beginning.",
        };
}
