using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;

namespace InfluxBackup.Operations.Checks;

/// <summary>One backup as the checks see it: what its manifest, its metadata and the directory around it say.</summary>
/// <param name="backup">The backup; its metadata are readable.</param>
/// <param name="set">What lies in the set.</param>
/// <param name="selection">Which shards the user asked for.</param>
/// <param name="answersForSet">Whether files of no backup at all are this test's to tell of: one test of a run has to.</param>
internal sealed class BackupUnderTest(PortableBackup backup, SetFiles set, ShardSelection selection, bool answersForSet)
{
    private readonly HashSet<ShardKey>? chosen = selection.IsEverything
        ? null
        : selection.Choose(backup.Metadata, $"backup {backup.Timestamp}").Select(s => s.Key).ToHashSet();

    public PortableBackup Backup => backup;

    public BackupManifest Manifest => backup.Manifest;

    public ServerMetadata Metadata => backup.Metadata;

    public SetFiles Set => set;

    public bool AnswersForSet => answersForSet;

    /// <summary>Whether the user asked for everything: else what is missing may be what was not asked for.</summary>
    public bool IsWhole => chosen is null;

    public Findings Findings { get; } = new(backup.ManifestPath);

    /// <summary>Shards of the manifest that were asked for and that the metadata know.</summary>
    public Dictionary<ShardKey, StoredShard> Shards { get; } = [];

    /// <summary>Entries of the manifest that can't be told to be any shard's.</summary>
    public int UnknownShards { get; set; }

    public bool IsChosen(ShardKey shard) => chosen is null || chosen.Contains(shard);

    public ShardDescription Describe(ShardKey shard) => backup.Metadata.FindShard(shard.Id)!;
}
