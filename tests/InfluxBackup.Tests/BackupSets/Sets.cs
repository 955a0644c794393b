using System.IO.Compression;
using Google.Protobuf;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Tests.Transfer;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging.Abstractions;

namespace InfluxBackup.Tests.BackupSets;

/// <summary>Makes backups for tests, with the engine's writer or by hand.</summary>
internal static class Sets
{
    public const string Time1 = "20240102T030405Z";
    public const string Time2 = "20240102T030406Z";
    public const string Time3 = "20240103T000000Z";

    public static DateTime Noon { get; } = new(2024, 1, 2, 12, 0, 0, DateTimeKind.Utc);

    public static ShardKey Key(int id) => new("db", "rp", (ulong)id);

    /// <summary>Metadata with these shards, each in a group of its own.</summary>
    public static Data Metadata(params ShardKey[] shards)
    {
        var data = new Data { Term = 1, Index = 7, ClusterID = 42, MaxNodeID = 0, MaxShardGroupID = 99, MaxShardID = 99 };
        foreach (var database in shards.GroupBy(s => s.Database))
        {
            var info = new DatabaseInfo { Name = database.Key, DefaultRetentionPolicy = database.First().RetentionPolicy };
            foreach (var policy in database.GroupBy(s => s.RetentionPolicy))
            {
                var created = new RetentionPolicyInfo { Name = policy.Key, Duration = 0, ShardGroupDuration = 100, ReplicaN = 1 };
                created.ShardGroups.Add(policy.Select(s => new ShardGroupInfo
                {
                    ID = s.Id + 1000,
                    StartTime = (long)s.Id * 100,
                    EndTime = ((long)s.Id * 100) + 100,
                    DeletedAt = 0,
                    Shards = { new ShardInfo { ID = s.Id } },
                }));
                info.RetentionPolicies.Add(created);
            }

            data.Databases.Add(info);
        }

        return data;
    }

    public static PortableBackupWriter Begin(string directory, DateTime? now = null) =>
        PortableBackupWriter.Begin(BackupSet.OpenOrCreate(directory), CompressionLevel.Fastest, now ?? Noon, NullLogger.Instance);

    /// <summary>Carries one shard into a writer, as the transfer loop does.</summary>
    public static async Task<ShardResult> WriteAsync(PortableBackupWriter writer, ShardKey shard, byte[]? tar = null)
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var stream = new ShardStream(new PieceStream(tar ?? TarBuilder.Shard(shard, 500), 700));
        using var archive = new GuardedArchive(shard, stream, "the test");
        await writer.WriteAsync(shard, archive, cancel);
        var receipt = await writer.AcceptAsync(shard, archive.Result!, cancel);
        return new ShardResult { Shard = shard, Outcome = ShardOutcome.Complete, Archive = archive.Result, Receipt = receipt };
    }

    public static BackupManifest Commit(PortableBackupWriter writer, params ShardResult[] shards) => writer.Commit(
        new BackupManifest
        {
            Meta = new ManifestMeta { FileName = "" },
            Files = shards.Select(writer.Describe).ToList(),
            Run = new ManifestRun { ToolVersion = "1.2.3", Source = "host:8088", StartedAt = Noon, CompletedAt = Noon },
        },
        Metadata(shards.Select(s => s.Shard).ToArray()).ToByteArray());

    /// <summary>A whole backup with the writer.</summary>
    public static async Task<string> MakeAsync(string directory, DateTime? now = null, params int[] shards)
    {
        using var writer = Begin(directory, now);
        var results = new List<ShardResult>();
        foreach (var shard in shards)
        {
            results.Add(await WriteAsync(writer, Key(shard)));
        }

        Commit(writer, [.. results]);
        return writer.Timestamp;
    }

    /// <summary>Manifest and metadata by hand, without archives.</summary>
    public static void Put(string directory, string timestamp, Data metadata, params ManifestShard[] files)
    {
        var bytes = metadata.ToByteArray();
        File.WriteAllBytes(Path.Combine(directory, timestamp + MetaFile.Suffix), MetaFile.ToBytes(bytes));
        var manifest = new BackupManifest { Meta = new ManifestMeta { FileName = timestamp + MetaFile.Suffix, Size = bytes.Length }, Files = files };
        File.WriteAllBytes(Path.Combine(directory, timestamp + ManifestFile.Suffix), ManifestFile.ToBytes(manifest));
    }

    public static ManifestShard Entry(string timestamp, ShardKey shard, long lastModified = 0) => new()
    {
        Database = shard.Database,
        RetentionPolicy = shard.RetentionPolicy,
        ShardId = shard.Id,
        FileName = PortableBackupWriter.ArchiveName(timestamp, shard.Id),
        Size = 1024,
        LastModified = lastModified,
    };

    /// <summary>Names in a directory, the lock file left out.</summary>
    public static List<string> Names(string directory) =>
        Directory.EnumerateFileSystemEntries(directory).Select(p => Path.GetFileName(p)).Where(n => n != BackupSetLock.FileName).Order(StringComparer.Ordinal).ToList();
}
