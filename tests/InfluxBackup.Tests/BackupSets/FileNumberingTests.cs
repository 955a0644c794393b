using InfluxBackup.BackupSets;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.BackupSets;

/// <summary>New names keep the order of age.</summary>
public sealed class FileNumberingTests
{
    private static readonly string[] Older = ["000000002-000000004.tsm", "000000002-000000005.tsm", "000000007-000000001.tsm"];
    private static readonly string[] Newer = ["000000001-000000002.tsm"];

    private static IEnumerable<string> Name(FileNumbering numbering, params string[][] names) => numbering.Name(names).SelectMany(n => n);

    [Fact]
    public void Files_of_one_shard_keep_their_names_and_those_of_several_are_numbered_one_after_another()
    {
        Assert.Equal(Older, Name(FileNumbering.Keep, Older));
        Assert.Equal(Older, Name(FileNumbering.Keep, [], Older, []));
        Assert.Equal(
            ["000000001-000000004.tsm", "000000001-000000005.tsm", "000000002-000000001.tsm", "000000003-000000002.tsm"], Name(FileNumbering.Keep, Older, Newer));
    }

    [Fact]
    public void Generations_start_where_they_should_and_sequences_stay() =>
        Assert.Equal(
            ["000000050-000000004.tsm", "000000050-000000005.tsm", "000000051-000000001.tsm", "000000052-000000002.tsm"],
            Name(FileNumbering.FromGeneration(50), Older, Newer));

    /// <summary>Two sources may have the same generation; those are two still.</summary>
    [Fact]
    public void Generations_of_different_shards_never_become_one() =>
        Assert.Equal(["000000001-000000002.tsm", "000000002-000000002.tsm"], Name(FileNumbering.FromGeneration(1), Newer, Newer));

    [Fact]
    public void What_must_lose_is_one_generation_in_order() =>
        Assert.Equal(
            ["000000000-000000001.tsm", "000000000-000000002.tsm", "000000000-000000003.tsm", "000000000-000000004.tsm"],
            Name(FileNumbering.SequencesOf(0), Older, Newer));

    [Fact]
    public void A_generation_that_leaves_the_server_no_room_is_refused()
    {
        Assert.Equal(
            "900000000-000000002.tsm", Assert.Single(Name(FileNumbering.FromGeneration(ShardFileName.HighestSafeGeneration), Newer)));
        Assert.Equal(
            "GenerationsExhausted",
            Assert.Throws<InfluxBackupException>(() => Name(FileNumbering.FromGeneration(ShardFileName.HighestSafeGeneration), Newer, Newer).ToList()).Id);
    }
}
