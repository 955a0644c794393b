using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.BackupSets;

/// <summary>One backup of a set: its manifest and the files beside it.</summary>
public sealed class PortableBackup
{
    private readonly Lazy<(ServerMetadata Metadata, IReadOnlyList<string> Warnings)> metadata;

    private PortableBackup(string manifestPath, BackupManifest manifest)
    {
        ManifestPath = manifestPath;
        Manifest = manifest;
        Directory = Path.GetDirectoryName(Path.GetFullPath(manifestPath))!;
        Timestamp = Path.GetFileName(manifestPath)[..^ManifestFile.Suffix.Length];
        metadata = new(() =>
        {
            var warnings = new List<string>();
            return (MetaFile.Read(MetadataPath, manifest.Meta.Size, manifest.Meta.FileSha256, warnings), warnings);
        });
    }

    public string ManifestPath { get; }

    public string Directory { get; }

    /// <summary>The backup's name in its set, <c>20060102T150405Z</c>.</summary>
    public string Timestamp { get; }

    public BackupManifest Manifest { get; }

    public string MetadataPath => Path.Combine(Directory, Manifest.Meta.FileName);

    /// <summary>The metadata of the whole server at the time of the backup; read once, when first asked for.</summary>
    public ServerMetadata Metadata => metadata.Value.Metadata;

    /// <summary>What is odd about the metadata file.</summary>
    public IReadOnlyList<string> MetadataWarnings => metadata.Value.Warnings;

    /// <summary>
    /// Whether it has whole shards, and only those that changed since the backup before it in the set. Ours say so; those of
    /// <c>influxd-ctl</c> can be told by the times that they record for shards.
    /// </summary>
    public bool IsOneOfAChain =>
        Manifest.Run is { } run ? run.Strategy == BackupStrategy.Incremental : (Manifest.Files ?? []).Any(f => f.LastModified > 0);

    /// <summary>Reads a manifest. The metadata and archives are not touched.</summary>
    public static PortableBackup Open(string manifestPath) => new(manifestPath, ManifestFile.Read(manifestPath));

    public string ArchivePath(ManifestShard shard) => Path.Combine(Directory, shard.FileName);

    /// <summary>
    /// The shards of the manifest with their full names; where an entry has no database or policy, the metadata tell. An entry
    /// that contradicts the metadata is an error: one of the two is not what it claims to be.
    /// </summary>
    public IReadOnlyList<(ShardKey Key, ManifestShard Entry)> Shards() =>
        (Manifest.Files ?? []).Select(entry => (KeyOf(entry), entry)).ToList();

    /// <summary>The full name of one shard of the manifest.</summary>
    /// <exception cref="InfluxBackupException">The metadata do not know it, or say otherwise.</exception>
    public ShardKey KeyOf(ManifestShard entry)
    {
        var known = Metadata.FindShard(entry.ShardId)
            ?? throw new InfluxBackupException(
                "ShardUnknown", ErrorKind.InvalidData, $"'{ManifestPath}' lists shard {entry.ShardId}, which the metadata in '{Manifest.Meta.FileName}' do not know.")
            {
                Subject = ManifestPath,
            };
        var agrees = (entry.Database.Length == 0 || entry.Database == known.Key.Database)
            && (entry.RetentionPolicy.Length == 0 || entry.RetentionPolicy == known.Key.RetentionPolicy);
        return agrees
            ? known.Key
            : throw new InfluxBackupException(
                "ManifestInvalid",
                ErrorKind.InvalidData,
                $"'{ManifestPath}' says that shard {entry.ShardId} belongs to {entry.Database}.{entry.RetentionPolicy}, the metadata beside it say {known.Key.Database}.{known.Key.RetentionPolicy}.")
            {
                Subject = ManifestPath,
            };
    }
}
