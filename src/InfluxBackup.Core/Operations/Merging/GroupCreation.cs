using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm;
using InfluxBackup.Tsm.Merging;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>
/// Has a server make the shard groups that points of a backup need: it makes one when it is written a point of that time, so for each group one
/// real point of the backup is written. Where the backup has no points no group is made.
/// </summary>
/// <param name="target">The server or cluster.</param>
/// <param name="sources">The backup's shards.</param>
/// <param name="archives">Where their archives are read.</param>
/// <param name="announcement">Writes the points.</param>
/// <param name="oldest">The oldest time that a policy takes; null where it takes all.</param>
/// <param name="logger">Takes what happens on the way.</param>
internal sealed class GroupCreation(
    IMergeTarget target, MergeSources sources, IShardSource archives, FieldAnnouncement announcement, Func<RetentionPolicyInfo, long?> oldest, ILogger logger)
{
    /// <summary>A server may make groups shorter than asked for, beside others; the rest is asked for again.</summary>
    private const int Rounds = 4;

    private const int Attempts = 5;
    private static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(300);

    private readonly HashSet<ShardKey> empty = [];

    /// <summary>What came of it.</summary>
    /// <param name="Metadata">The server's metadata afterwards.</param>
    /// <param name="Failed">Shards of the backup for whose points groups could not be made.</param>
    /// <param name="Empty">Shards of the backup that turned out to have no point left when their deletes were applied, and have no group.</param>
    public sealed record Result(ServerMetadata Metadata, IReadOnlyDictionary<ShardKey, InfluxBackupException> Failed, IReadOnlyList<ShardKey> Empty);

    /// <summary>Makes the groups, one shard of the backup after the other.</summary>
    public async Task<Result> RunAsync(CancellationToken cancel)
    {
        var failed = new Dictionary<ShardKey, InfluxBackupException>();
        var metadata = await target.ReadMetadataAsync(cancel).ConfigureAwait(false);
        foreach (var shard in sources.Place(metadata, sources.Stored.Keys).Unplaced.Select(u => u.Source).Distinct().ToList())
        {
            try
            {
                metadata = await CreateForAsync(shard, metadata, cancel).ConfigureAwait(false);
            }
            catch (InfluxBackupException e)
            {
                logger.LogError("{Message}", e.FullMessage);
                failed[shard] = e;
                metadata = await target.ReadMetadataAsync(cancel).ConfigureAwait(false);
            }
        }

        var placement = sources.Place(metadata, sources.Stored.Keys.Where(s => !failed.ContainsKey(s)));
        var homeless = placement.Unplaced.Select(u => u.Source).Except(placement.Targets.SelectMany(t => t.Sources)).ToList();
        foreach (var shard in homeless.Where(s => !empty.Contains(s)))
        {
            failed[shard] = NoPlace(shard);
        }

        return new Result(metadata, failed, homeless.Where(empty.Contains).ToList());
    }

    private async Task<ServerMetadata> CreateForAsync(ShardKey shard, ServerMetadata metadata, CancellationToken cancel)
    {
        var windows = WindowsOf(shard, metadata);
        if (windows.Count == 0)
        {
            // The groups that another shard needed are enough.
            return metadata;
        }

        using var staged = new StagedShard(shard, StagedShard.IsPartOfUpload, logger);
        await UnpackAsync(shard, staged, cancel).ConfigureAwait(false);
        staged.ApplyDeletes([], cancel);
        var files = new List<MergeSource>();
        try
        {
            if (staged.TsmFiles.Count == 0)
            {
                empty.Add(shard);
                return metadata;
            }

            files.AddRange(staged.TsmFiles.Select(n => new MergeSource(TsmFile.Open(staged.Find(n).Path), TombstoneRanges.None)));
            return await CreateForAsync(shard, files, windows, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(shard.ToString(), e);
        }
        finally
        {
            files.ForEach(f => f.File.Dispose());
        }
    }

    private async Task<ServerMetadata> CreateForAsync(ShardKey shard, List<MergeSource> files, IReadOnlyList<TimeRange> windows, CancellationToken cancel)
    {
        var (database, name) = sources.TargetOf(shard);
        for (var round = 1; ; round++)
        {
            var metadata = await target.ReadMetadataAsync(cancel).ConfigureAwait(false);
            var policy = PolicyOf(metadata, database, name);
            var place = new ShardKey(database, name, 0);
            var found = GroupPoints.Find(shard, files, windows, oldest(policy), cancel);
            if (found.TooOld is { } tooOld)
            {
                throw FieldAnnouncement.BeyondRetention(place, $"{shard} of the backup has points between {ShardTime.ToDateTime(tooOld.Min):u} and {ShardTime.ToDateTime(tooOld.Max):u}, for which there is no shard group");
            }

            if (found.Points.Count == 0)
            {
                return metadata;
            }

            if (round > Rounds)
            {
                throw new InfluxBackupException("ShardGroupNotMade", ErrorKind.InvalidData, $"{target.Name} took a point of {ShardTime.ToDateTime(found.Points[0].Time):u} for {database}.{name} and still has no shard group for that time.")
                {
                    Subject = place.ToString(),
                };
            }

            await WriteAsync(place, found.Points, cancel).ConfigureAwait(false);
            logger.LogInformation("{Groups} asked for in {Database}.{Policy}.", Count.Of(found.Points.Count, "shard group"), database, name);
            windows = WindowsOf(shard, await target.ReadMetadataAsync(cancel).ConfigureAwait(false));
        }
    }

    private async Task WriteAsync(ShardKey place, IReadOnlyList<SamplePoint> points, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await announcement.WriteAsync(place, points, cancel).ConfigureAwait(false);
                return;
            }
            catch (InfluxBackupException e) when (e.IsTransient && attempt < Attempts)
            {
                logger.LogWarning("Points that shard groups are made for were not taken at attempt {Attempt}: {Message}", attempt, e.Message);
                await Task.Delay(Delay * attempt, cancel).ConfigureAwait(false);
            }
        }
    }

    private List<TimeRange> WindowsOf(ShardKey shard, ServerMetadata metadata)
    {
        var (database, name) = sources.TargetOf(shard);
        return GroupForecast.Windows(PolicyOf(metadata, database, name), sources.Place(metadata, [shard]).Unplaced.Select(u => u.Times)).ToList();
    }

    /// <summary>All its points are of a kind that makes no group: line protocol can't write them, or they lie outside of their own group.</summary>
    private InfluxBackupException NoPlace(ShardKey shard)
    {
        var (database, name) = sources.TargetOf(shard);
        return new InfluxBackupException(
            "PointsWithoutShard", ErrorKind.InvalidData, $"{database}.{name} has no shard group for the points of {shard}, and none of them can be written as line protocol to have one made.")
        {
            Subject = shard.ToString(),
            Remedy = "Restore the shard into a new database, or write any point of that time into the policy and merge again.",
        };
    }

    private RetentionPolicyInfo PolicyOf(ServerMetadata metadata, string database, string policy) =>
        metadata.FindDatabase(database)?.RetentionPolicies.FirstOrDefault(p => p.Name == policy)
        ?? throw new InfluxBackupException("RetentionPolicyNotFound", ErrorKind.NotFound, $"{target.Name} has no retention policy '{policy}' in database '{database}' any more.") { Subject = policy };

    private async Task UnpackAsync(ShardKey shard, StagedShard staged, CancellationToken cancel)
    {
        var stream = await archives.OpenAsync(shard, cancel).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            using var archive = new GuardedArchive(shard, stream, shard.ToString());
            await staged.UnpackAsync(archive, cancel).ConfigureAwait(false);
        }
    }
}
