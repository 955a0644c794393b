using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Operations.Checks;

/// <summary>
/// All checks beyond those of single TSM files, which <see cref="Tsm.Checks.TsmChecks"/> lists. What makes an archive unreadable
/// (hashes, gzip, tar) is found by its reading.
/// </summary>
internal static class BackupChecks
{
    /// <summary>What manifest, metadata and directory say, before any archive is read.</summary>
    public static readonly BackupCheck[] OfBackup =
    [
        new MetadataWarningCheck(), new ShardIdTwiceCheck(), new BackupIsPartialCheck(), new EarlierBackupMissingCheck(), new ShardNotInBackupCheck(), new OutsideLimitCheck(), new FileNotListedCheck(),
    ];

    /// <summary>What the list of an archive's files says.</summary>
    public static readonly EntriesCheck[] OfEntries = [new EntryTwiceCheck(), new TsmNameUnsafeCheck(), new TombstoneWithoutTsmCheck()];

    public static void RunOfEntries(IReadOnlyList<ShardArchiveEntry> entries, Findings findings)
    {
        foreach (var check in OfEntries)
        {
            check.Run(entries, findings);
        }
    }

    /// <summary>For each key of each TSM file of one shard; they remember, so each shard has its own.</summary>
    public static KeyCheck[] OfKeys(ShardDescription shard) => [new PointsOutsideShardCheck(shard), new FieldTypeConflictCheck()];
}
