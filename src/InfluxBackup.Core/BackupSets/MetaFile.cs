using System.Security.Cryptography;
using Google.Protobuf;
using InfluxBackup.Metadata;

namespace InfluxBackup.BackupSets;

/// <summary>
/// <c>PREFIX.meta</c> of a portable backup: a protobuf wrapper (1: metadata, 2: highest node id) around the whole metadata of the
/// server, password hashes included.
/// </summary>
public static class MetaFile
{
    public const string Suffix = ".meta";

    private const long LargestFile = 512 << 20;

    /// <summary>The file for a server's metadata.</summary>
    /// <param name="metadata">The metadata.</param>
    /// <param name="highestNodeId">The cluster's highest node id; 0 for a single server.</param>
    public static byte[] ToBytes(ReadOnlyMemory<byte> metadata, ulong highestNodeId = 0) =>
        new MetaFileWrapper { Data = ByteString.CopyFrom(metadata.Span), MaxNodeID = highestNodeId }.ToByteArray();

    /// <summary>Reads a file and the metadata in it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="expectedSize">Length of the metadata that the manifest gives; 0 for unknown.</param>
    /// <param name="expectedSha256">SHA-256 of the file that the manifest gives, where it does.</param>
    /// <param name="warnings">Takes what is odd but readable.</param>
    /// <exception cref="InfluxBackupException">The file is missing or damaged.</exception>
    public static ServerMetadata Read(string path, long expectedSize, string? expectedSha256, ICollection<string> warnings)
    {
        byte[] bytes;
        try
        {
            bytes = new FileInfo(path) is { Exists: true, Length: > LargestFile }
                ? throw Invalid("MetadataDamaged", path, "it is too large to be one", null)
                : File.ReadAllBytes(path);
        }
        catch (FileNotFoundException e)
        {
            throw Invalid("MetadataMissing", path, "it is missing", e);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(path, e);
        }

        if (bytes.Length == 0)
        {
            throw Invalid("MetadataMissing", path, "it is empty", null);
        }

        if (expectedSha256 is not null && !string.Equals(Convert.ToHexString(SHA256.HashData(bytes)), expectedSha256, StringComparison.OrdinalIgnoreCase))
        {
            throw Invalid("MetadataHashMismatch", path, "it has changed, its SHA-256 is not that of the manifest", null);
        }

        var inner = Unwrap(path, bytes, warnings);
        if (expectedSize > 0 && inner.Length != expectedSize)
        {
            throw Invalid("MetadataDamaged", path, $"it holds {inner.Length} bytes of metadata, its manifest says {expectedSize}", null);
        }

        return ServerMetadata.Parse(inner, $"file '{path}'");
    }

    private static ReadOnlyMemory<byte> Unwrap(string path, byte[] bytes, ICollection<string> warnings)
    {
        MetaFileWrapper wrapper;
        try
        {
            wrapper = MetaFileWrapper.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw Invalid("MetadataDamaged", path, $"it is truncated or damaged ({e.Message})", e);
        }

        if (wrapper.HasData)
        {
            return wrapper.HasMaxNodeID ? wrapper.Data.Memory : throw Invalid("MetadataDamaged", path, "it is truncated: its last field is missing", null);
        }

        // The wrapper's first field is bytes, the metadata's first field a number: bare metadata can be told by their first byte.
        if (bytes[0] == 0x08)
        {
            warnings.Add($"'{path}' holds bare metadata without the wrapper of a portable backup; the official tools can't restore it.");
            return bytes;
        }

        throw Invalid("MetadataDamaged", path, "it has no metadata inside", null);
    }

    private static InfluxBackupException Invalid(string id, string path, string why, Exception? inner) =>
        new(id, ErrorKind.InvalidData, $"'{path}' is not a usable metadata file: {why}.", inner) { Subject = path };
}
