using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;
using ShardInfo = InfluxBackup.Operations.ShardInfo;

namespace InfluxBackup.Cli.Output;

/// <summary>
/// The objects of <c>--json</c>. They are written out name by name, because scripts rely on them: the engine's records may change,
/// these don't.
/// </summary>
internal static class Shapes
{
    public static object Plan(BackupPlan plan) => new
    {
        whatIf = true,
        path = plan.Path,
        source = plan.Source,
        dataNode = plan.DataNode,
        strategy = plan.Strategy,
        serverVersion = plan.ServerVersion,
        shardCount = plan.Shards.Count,
        unchangedShardCount = plan.Unchanged.Count,
        expectedBytes = plan.ExpectedBytes,
        estimatedBytesPerSecond = plan.EstimatedBytesPerSecond,
        estimatedDuration = plan.EstimatedDuration,
        shards = plan.Shards.Select(s => new
        {
            database = s.Shard.Key.Database,
            retentionPolicy = s.Shard.Key.RetentionPolicy,
            shardId = s.Shard.Key.Id,
            startTime = ShardTime.ToDateTime(s.Shard.Start),
            endTime = ShardTime.ToDateTime(s.Shard.End),
            expectedBytes = s.ExpectedBytes,
            dataNode = s.DataNode,
        }),
        warnings = plan.Warnings,
    };

    public static object Result(BackupResult result) => new
    {
        outcome = result.Outcome,
        path = result.Path,
        timestamp = result.Timestamp,
        manifestPath = result.ManifestPath,
        source = result.Source,
        dataNode = result.DataNode,
        strategy = result.Strategy,
        serverVersion = result.ServerVersion,
        startTime = result.StartTime,
        duration = result.Duration,
        shardCount = result.ShardCount,
        unchangedShardCount = result.UnchangedShardCount,
        failedShardCount = result.FailedShardCount,
        bytes = result.Bytes,
        storedBytes = result.StoredBytes,
        shards = result.Shards.Select(s => Shard(s)),
        warnings = result.Warnings,
    };

    public static object Plan(ExportPlan plan) => new
    {
        whatIf = true,
        source = plan.Source,
        shardCount = plan.Shards.Count,
        bytes = plan.Bytes,
        shards = plan.Shards.Select(s => new { database = s.Database, retentionPolicy = s.RetentionPolicy, shardId = s.Id }),
        warnings = plan.Warnings,
    };

    public static object Result(ExportResult result) => new
    {
        outcome = result.Outcome,
        source = result.Source,
        shardCount = result.ShardCount,
        lines = result.Lines,
        points = result.Points,
        series = result.Series,
        bytes = result.Bytes,
        duration = result.Duration,
        files = result.Files.Select(File),
        findingCount = result.FindingCount,
        findings = result.Findings.Select(f => new
        {
            check = f.Check,
            file = f.File,
            offset = f.Offset,
            database = f.Database,
            retentionPolicy = f.RetentionPolicy,
            shardId = f.ShardId,
            series = f.Series,
            startTime = f.StartTime,
            endTime = f.EndTime,
            message = f.Message,
        }),
        warnings = result.Warnings,
    };

    private static object File(ExportedFile file) => new
    {
        path = file.Path,
        database = file.Database,
        retentionPolicy = file.RetentionPolicy,
        shardId = file.ShardId,
        lines = file.Lines,
        points = file.Points,
        series = file.Series,
        bytes = file.Bytes,
        textBytes = file.TextBytes,
        startTime = file.StartTime,
        endTime = file.EndTime,
        sha256 = file.Sha256,
    };

    public static object Plan(RestorePlan plan) => new
    {
        whatIf = true,
        path = plan.Path,
        timestamp = plan.Timestamp,
        dataNode = plan.DataNode,
        metaNode = plan.MetaNode,
        databases = plan.Databases,
        bytes = plan.Bytes,
        pendingDeletes = plan.PendingDeletes,
        shards = plan.Shards.Select(s => new
        {
            database = s.Source.Database,
            retentionPolicy = s.Source.RetentionPolicy,
            shardId = s.Source.Id,
            targetDatabase = s.TargetDatabase,
            targetRetentionPolicy = s.TargetRetentionPolicy,
            bytes = s.Archive?.Length,
            pendingDeletes = s.PendingDeletes,
            problem = s.Problem is null ? null : Json.Of(s.Problem),
        }),
        conflicts = plan.Conflicts.Select(Json.Of),
        warnings = plan.Warnings,
    };

    public static object Result(RestoreResult result) => new
    {
        outcome = result.Outcome,
        path = result.Path,
        timestamp = result.Timestamp,
        dataNode = result.DataNode,
        metaNode = result.MetaNode,
        databases = result.Databases,
        startTime = result.StartTime,
        duration = result.Duration,
        shardCount = result.ShardCount,
        failedShardCount = result.FailedShardCount,
        bytes = result.Bytes,
        deletesApplied = result.DeletesApplied,
        shards = result.Shards.Select(Restored),
        objects = result.Objects.Select(o => new { kind = o.Kind, name = o.Name, database = o.Database, isRestored = o.IsRestored, reason = o.Reason, statement = o.Statement }),
        warnings = result.Warnings,
    };

    public static object Backup(BackupInfo backup) => new
    {
        path = backup.Path,
        timestamp = backup.Timestamp,
        created = backup.Created,
        manifestPath = backup.ManifestPath,
        outcome = backup.Outcome,
        source = backup.Source,
        serverVersion = backup.ServerVersion,
        toolVersion = backup.ToolVersion,
        strategy = backup.Strategy,
        since = backup.Since,
        isLimited = backup.IsLimited,
        databases = backup.Databases,
        shardCount = backup.ShardCount,
        size = backup.Size,
        storedSize = backup.StoredSize,
        shards = backup.Shards.Select(Shard),
        users = backup.Users,
        continuousQueries = backup.ContinuousQueries,
        warnings = backup.Warnings,
    };

    public static object Cluster(ClusterInfo cluster) => new
    {
        name = cluster.Name,
        isHealthy = cluster.IsHealthy,
        leader = cluster.Leader,
        version = cluster.Version,
        metadataIndex = cluster.MetadataIndex,
        databases = cluster.Databases,
        shardCount = cluster.ShardCount,
        copyCount = cluster.CopyCount,
        size = cluster.Size,
        totalSize = cluster.TotalSize,
        metaNodes = cluster.MetaNodes.Select(n => new
        {
            nodeId = n.NodeId,
            metaNode = n.MetaNode,
            state = n.State,
            isLeader = n.IsLeader,
            version = n.Version,
            error = n.Error is null ? null : Json.Of(n.Error),
        }),
        dataNodes = cluster.DataNodes.Select(n => new
        {
            nodeId = n.NodeId,
            dataNode = n.DataNode,
            httpUri = n.HttpUri,
            state = n.State,
            version = n.Version,
            ownedShards = n.OwnedShards,
            shardCount = n.ShardCount,
            size = n.Size,
            error = n.Error is null ? null : Json.Of(n.Error),
        }),
        underReplicatedShards = cluster.UnderReplicatedShards.Select(Shard),
        problems = cluster.Problems,
    };

    public static object Shard(ShardInfo shard) => new
    {
        database = shard.Database,
        retentionPolicy = shard.RetentionPolicy,
        shardId = shard.ShardId,
        startTime = shard.StartTime,
        endTime = shard.EndTime,
        size = shard.Size,
        storedSize = shard.StoredSize,
        tsmFiles = shard.TsmFiles,
        tombstones = shard.Tombstones,
        walSegments = shard.WalSegments,
        isPresent = shard.IsPresent,
        dataNode = shard.DataNode,
        replicationFactor = shard.ReplicationFactor,
        isUnderReplicated = shard.IsUnderReplicated,
        owners = shard.Owners?.Select(o => new
        {
            nodeId = o.NodeId,
            dataNode = o.DataNode,
            isPresent = o.IsPresent,
            isHot = o.IsHot,
            lastModified = o.LastModified,
            size = o.Size,
        }),
        path = shard.Path,
        timestamp = shard.Timestamp,
        fileName = shard.FileName,
        series = shard.Series,
        points = shard.Points,
        firstPointTime = shard.FirstPointTime,
        lastPointTime = shard.LastPointTime,
        measuredSize = shard.MeasuredSize,
        hasPendingDeletes = shard.HasPendingDeletes,
        error = shard.Error is null ? null : Json.Of(shard.Error),
    };

    public static object Result(TestResult result) => new
    {
        path = result.Path,
        timestamp = result.Timestamp,
        outcome = result.Outcome,
        isSound = result.IsSound,
        shardCount = result.ShardCount,
        failedShardCount = result.FailedShardCount,
        deepShardCount = result.DeepShardCount,
        bytes = result.Bytes,
        tsmFiles = result.TsmFiles,
        points = result.Points,
        duration = result.Duration,
        findings = result.Findings.Select(f => new
        {
            severity = f.Severity,
            check = f.Check,
            file = f.File,
            database = f.Database,
            retentionPolicy = f.RetentionPolicy,
            shardId = f.ShardId,
            message = f.Message,
            entry = f.Entry,
            offset = f.Offset,
            series = f.Series,
            field = f.Field,
            startTime = f.StartTime,
            endTime = f.EndTime,
        }),
    };

    private static object Shard(ShardResult shard) => new
    {
        database = shard.Shard.Database,
        retentionPolicy = shard.Shard.RetentionPolicy,
        shardId = shard.Shard.Id,
        outcome = shard.Outcome,
        reason = shard.Reason,
        error = shard.Error is null ? null : Json.Of(shard.Error),
        bytes = shard.Archive?.Length,
        storedBytes = shard.Receipt?.StoredBytes,
        attempts = shard.Attempts,
        duration = shard.Duration,
        warnings = shard.Warnings.Count == 0 ? null : shard.Warnings,
    };

    private static object Restored(RestoredShard shard) => new
    {
        database = shard.Source.Database,
        retentionPolicy = shard.Source.RetentionPolicy,
        shardId = shard.Source.Id,
        sourceShardIds = shard.Sources.Count > 1 ? shard.Sources.Select(s => s.Id) : null,
        targetDatabase = shard.Target?.Database,
        targetRetentionPolicy = shard.Target?.RetentionPolicy,
        targetShardId = shard.Target?.Id,
        outcome = shard.Result.Outcome,
        reason = shard.Result.Reason,
        error = shard.Result.Error is null ? null : Json.Of(shard.Result.Error),
        bytes = shard.Result.Archive?.Length,
        storedBytes = shard.Result.Receipt?.StoredBytes,
        deletesApplied = shard.DeletesApplied,
        owners = shard.Owners.Select(o => new { nodeId = o.NodeId, dataNode = o.DataNode, isComplete = o.IsComplete, wasThere = o.WasThere, error = o.Error is null ? null : Json.Of(o.Error) }),
        attempts = shard.Result.Attempts,
        duration = shard.Result.Duration,
        warnings = shard.Result.Warnings.Count == 0 ? null : shard.Result.Warnings,
    };
}
