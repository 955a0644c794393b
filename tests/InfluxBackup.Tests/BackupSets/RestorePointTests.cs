using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;

namespace InfluxBackup.Tests.BackupSets;

/// <summary>What a set with several backups stands for.</summary>
public sealed class RestorePointTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    private void Put(string timestamp, Data metadata, params (int Id, long LastModified)[] shards) =>
        Sets.Put(directory, timestamp, metadata, shards.Select(s => Sets.Entry(timestamp, Sets.Key(s.Id), s.LastModified)).ToArray());

    private static Data Known(params int[] ids) => Sets.Metadata(ids.Select(Sets.Key).ToArray());

    private Dictionary<int, string> Combine(string? upTo = null) =>
        RestorePoint.Combine(BackupSet.Open(directory), upTo).Shards.ToDictionary(s => (int)s.Key.Id, s => s.Value.Backup.Timestamp);

    [Fact]
    public void Each_shard_comes_from_the_newest_backup_that_has_it()
    {
        Put(Sets.Time1, Known(1, 2, 3), (1, 0), (2, 0), (3, 0));
        Put(Sets.Time2, Known(1, 2, 3), (2, 0));
        Put(Sets.Time3, Known(1, 2, 3, 4), (3, 0), (4, 0));
        Assert.Equal(new() { [1] = Sets.Time1, [2] = Sets.Time2, [3] = Sets.Time3, [4] = Sets.Time3 }, Combine());
        Assert.Equal(Sets.Time3, RestorePoint.Combine(BackupSet.Open(directory), null).Newest.Timestamp);
    }

    [Fact]
    public void Backups_after_the_one_named_do_not_count()
    {
        Put(Sets.Time1, Known(1, 2), (1, 0), (2, 0));
        Put(Sets.Time2, Known(1, 2), (2, 0));
        Put(Sets.Time3, Known(1, 2, 3), (1, 0), (2, 0), (3, 0));
        Assert.Equal(new() { [1] = Sets.Time1, [2] = Sets.Time2 }, Combine(Sets.Time2));
        Assert.Equal(new() { [1] = Sets.Time1, [2] = Sets.Time1 }, Combine(Sets.Time1));
    }

    [Theory]
    [InlineData(5, 5, Sets.Time2)]
    [InlineData(6, 5, Sets.Time1)]
    [InlineData(5, 6, Sets.Time2)]
    public void A_greater_modification_time_wins_over_a_newer_backup(long older, long newer, string winner)
    {
        Put(Sets.Time1, Known(1), (1, older));
        Put(Sets.Time2, Known(1), (1, newer));
        Assert.Equal(winner, Combine()[1]);
    }

    [Fact]
    public async Task An_older_backup_of_ours_does_not_win_over_one_of_another_tool_by_its_modification_time()
    {
        var ours = await Sets.MakeAsync(directory, shards: 1);
        var path = directory[ours + ManifestFile.Suffix];
        var manifest = ManifestFile.Read(path);
        File.WriteAllBytes(path, ManifestFile.ToBytes(manifest with { Files = [manifest.Files![0] with { LastModified = 5 }] }));
        Put(Sets.Time3, Known(1), (1, 0));
        Assert.Equal(Sets.Time3, Combine()[1]);
    }

    [Fact]
    public async Task A_newer_backup_of_ours_wins_whatever_the_modification_times_are()
    {
        Put(Sets.Time1, Known(1), (1, long.MaxValue));
        var ours = await Sets.MakeAsync(directory, shards: 1);
        Assert.Equal(ours, Combine()[1]);
    }

    [Fact]
    public void Shards_that_the_newest_metadata_do_not_know_are_left_out()
    {
        var deleted = Known(1, 2, 3);
        deleted.Databases[0].RetentionPolicies[0].ShardGroups[2].DeletedAt = 5;
        Put(Sets.Time1, Known(1, 2, 3, 4), (1, 0), (2, 0), (3, 0), (4, 0));
        Put(Sets.Time2, deleted, (1, 0));
        Assert.Equal(new() { [1] = Sets.Time2, [2] = Sets.Time1 }, Combine());
    }

    [Fact]
    public void A_shard_id_that_means_another_shard_by_now_is_left_out()
    {
        Put(Sets.Time1, Known(1, 2), (1, 0), (2, 0));
        Sets.Put(directory, Sets.Time2, Sets.Metadata(Sets.Key(1), new ShardKey("other", "rp", 2)), Sets.Entry(Sets.Time2, Sets.Key(1)));
        Assert.Equal(new() { [1] = Sets.Time2 }, Combine());
    }

    [Fact]
    public void Archives_of_another_server_are_left_out_even_where_names_and_ids_are_the_same()
    {
        var other = Known(1, 2);
        other.ClusterID++;
        Put(Sets.Time1, other, (1, 0), (2, 0));
        Put(Sets.Time2, Known(1, 2), (1, 0));
        Assert.Equal(new() { [1] = Sets.Time2 }, Combine());
    }

    [Fact]
    public void A_shard_id_that_means_another_time_by_now_is_left_out()
    {
        var moved = Known(1, 2);
        moved.Databases[0].RetentionPolicies[0].ShardGroups[1].StartTime -= 50;
        Put(Sets.Time1, moved, (1, 0), (2, 0));
        Put(Sets.Time2, Known(1, 2), (1, 0));
        Assert.Equal(new() { [1] = Sets.Time2 }, Combine());
    }

    [Fact]
    public void A_missing_archive_is_not_silently_replaced_by_an_older_one()
    {
        Put(Sets.Time1, Known(1), (1, 0));
        Put(Sets.Time2, Known(1), (1, 0));
        File.WriteAllText(directory[Sets.Entry(Sets.Time1, Sets.Key(1)).FileName], "");
        Assert.Equal(Sets.Time2, Combine()[1]);
    }

    [Fact]
    public void A_damaged_manifest_in_between_is_an_error()
    {
        Put(Sets.Time1, Known(1), (1, 0));
        File.WriteAllText(directory[Sets.Time2 + ".manifest"], "{");
        Put(Sets.Time3, Known(1));
        Assert.Equal("ManifestInvalid", Assert.Throws<InfluxBackupException>(() => Combine()).Id);
        Assert.Equal(new() { [1] = Sets.Time1 }, Combine(Sets.Time1));
    }

    [Fact]
    public void One_backup_by_itself_has_its_own_shards_only()
    {
        Put(Sets.Time1, Known(1, 2), (1, 0), (2, 0));
        Put(Sets.Time2, Known(1, 2), (2, 0));
        Assert.Equal([2UL], RestorePoint.Of(BackupSet.Open(directory).Find(null)).Shards.Keys.Select(s => s.Id));
    }

    [Fact]
    public void Backups_are_found_newest_first_and_by_name()
    {
        Put(Sets.Time3, Known(1));
        Put(Sets.Time1, Known(1));
        Directory.CreateDirectory(directory["20990101T000000Z.manifest"]);
        File.WriteAllText(directory["20990101T000000Z.manifest.partial"], "");
        var set = BackupSet.Open(directory);
        Assert.Equal([Sets.Time3 + ".manifest", Sets.Time1 + ".manifest"], set.ManifestPaths().Select(p => Path.GetFileName(p)));
        Assert.Equal(Sets.Time3, set.Find(null).Timestamp);
        Assert.Equal(Sets.Time1, set.Find("20240102t030405z").Timestamp);
        var error = Assert.Throws<InfluxBackupException>(() => set.Find("20000101T000000Z"));
        Assert.Equal("BackupNotFound", error.Id);
        Assert.Contains($"{Sets.Time3}, {Sets.Time1}", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_set_without_backups_says_so() =>
        Assert.Equal("NoBackup", Assert.Throws<InfluxBackupException>(() => BackupSet.Open(directory).Find(null)).Id);
}
