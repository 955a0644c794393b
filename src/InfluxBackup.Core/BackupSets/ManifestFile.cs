using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace InfluxBackup.BackupSets;

/// <summary>Reads and writes manifests as JSON, and distrusts what it reads.</summary>
public static class ManifestFile
{
    public const string Suffix = ".manifest";

    /// <summary>A manifest has about a kilobyte for each shard.</summary>
    private const long LargestManifest = 1L << 30;

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNameCaseInsensitive = true, // As Go reads it.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // Names stay readable; the file is never part of a web page.
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>The manifest as bytes, no newline at the end, like the official tool.</summary>
    public static byte[] ToBytes(BackupManifest manifest) => JsonSerializer.SerializeToUtf8Bytes(manifest, Json);

    /// <summary>Reads a manifest and checks every name and number in it.</summary>
    /// <exception cref="InfluxBackupException">It is missing, not JSON, or says what can't be.</exception>
    public static BackupManifest Read(string path)
    {
        byte[] bytes;
        try
        {
            if (new FileInfo(path).Length > LargestManifest)
            {
                throw Invalid(path, "it is too large to be one");
            }

            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(path, e);
        }

        if (bytes.Length == 0)
        {
            throw Invalid(path, "it is empty: the run that began it never finished");
        }

        try
        {
            var manifest = JsonSerializer.Deserialize<BackupManifest>(WithoutByteOrderMark(bytes), Json) ?? throw Invalid(path, "it is null");
            Check(manifest, path);
            return manifest;
        }
        catch (JsonException e)
        {
            throw Invalid(path, $"line {e.LineNumber + 1}, byte {e.BytePositionInLine}{(e.Path is null or "$" ? "" : $", at {e.Path}")}: {Reason(e)}", e);
        }
    }

    private static void Check(BackupManifest manifest, string path)
    {
        if (manifest.Meta is null)
        {
            throw Invalid(path, "it names no metadata file");
        }

        CheckFileName(manifest.Meta.FileName, path);
        if (manifest.Meta.Size < 0)
        {
            throw Invalid(path, $"the size of '{manifest.Meta.FileName}' is {manifest.Meta.Size}");
        }

        if (manifest.Run is { } run && (run.Options is null || run.Warnings is null || run.MissingShards is null || run.MissingShards.Contains(null!)))
        {
            throw Invalid(path, "a list of what is known of its run is null or has nulls in it");
        }

        var ids = new HashSet<ulong>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in manifest.Files ?? [])
        {
            if (file is null)
            {
                throw Invalid(path, "an entry of its list of files is null");
            }

            CheckFileName(file.FileName, path);
            if (file.Entries?.Contains(null!) == true)
            {
                throw Invalid(path, $"the list of what '{file.FileName}' holds has nulls in it");
            }

            if (file.Owners is { } owners && (owners.Contains(null!) || owners.DistinctBy(o => o.NodeId).Count() != owners.Count))
            {
                throw Invalid(path, $"the list of owners of shard {file.ShardId} has nulls in it, or a node twice");
            }

            CheckName(file.Database, "database", file, path);
            CheckName(file.RetentionPolicy, "retention policy", file, path);
            if (file.Size < 0 || file.ShardId == 0)
            {
                throw Invalid(path, $"the entry of '{file.FileName}' has the size {file.Size} and the shard id {file.ShardId}");
            }

            if (!ids.Add(file.ShardId))
            {
                throw Invalid(path, $"shard {file.ShardId} is listed twice");
            }

            if (!names.Add(file.FileName))
            {
                throw Invalid(path, $"file '{file.FileName}' is listed twice");
            }
        }
    }

    private static void CheckFileName(string? name, string path)
    {
        if (string.IsNullOrEmpty(name) || name is "." or ".." || name.AsSpan().ContainsAny('/', '\\', '\0') || (name.Length > 1 && name[1] == ':'))
        {
            throw Invalid(path, $"the file name '{name}' is not a plain name in the same folder");
        }
    }

    /// <summary>Names become parts of paths on the server. Empty ones are looked up in the metadata later.</summary>
    private static void CheckName(string? name, string what, ManifestShard file, string path)
    {
        if (name is null or "." or ".." || name.AsSpan().ContainsAny('/', '\\', '\0'))
        {
            throw Invalid(path, $"the {what} of shard {file.ShardId} is '{name}', which no server accepts");
        }
    }

    private static ReadOnlySpan<byte> WithoutByteOrderMark(ReadOnlySpan<byte> bytes) =>
        bytes.StartsWith<byte>([0xef, 0xbb, 0xbf]) ? bytes[3..] : bytes;

    private static string Reason(JsonException e)
    {
        var text = e.Message;
        var cut = text.IndexOf(" Path:", StringComparison.Ordinal);
        return cut < 0 ? text : text[..cut];
    }

    private static InfluxBackupException Invalid(string path, string why, Exception? inner = null) =>
        new("ManifestInvalid", ErrorKind.InvalidData, $"'{path}' is not a usable manifest: {why}", inner)
        {
            Subject = path,
            Remedy = "Use another backup of the set; the archives beside it may be sound, but nothing says so.",
        };
}
