using InfluxBackup.Metadata;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations;

/// <summary>What several parts of an export say in the same words.</summary>
internal static class ExportErrors
{
    public const string ResumeRemedy = "Make room or check the path and its permissions, then go on with -Resume (--resume).";

    public const string SalvageRemedy = "To export what is sound and have the rest reported, give -AllowPartial (--allow-partial).";

    /// <summary>Whether an export that may be partial goes on without the shard.</summary>
    public static bool CanBeLeftOut(InfluxBackupException error) => error.Kind is ErrorKind.InvalidData or ErrorKind.Read;

    public static InfluxBackupException EarlierBackupMissing(ShardKey shard, string timestamp, string earlier) =>
        new("EarlierBackupMissing", ErrorKind.InvalidData, $"Backup {timestamp} has {shard} in backup {earlier} of its set, which is gone.")
        {
            Subject = shard.ToString(),
            Remedy = $"Put backup {earlier} back into the set. {SalvageRemedy}",
        };

    public static InfluxBackupException Damaged(ShardKey shard, TsmFormatException error) =>
        new("TsmFileDamaged", ErrorKind.InvalidData, $"{shard} is damaged: {error.Message}", error)
        {
            Subject = shard.ToString(),
            Remedy = SalvageRemedy,
        };
}
