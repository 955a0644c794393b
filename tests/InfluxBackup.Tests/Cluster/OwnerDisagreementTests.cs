using InfluxBackup.Cluster;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Tests.Cluster;

/// <summary>When the copies of a shard are worth a warning.</summary>
public sealed class OwnerDisagreementTests
{
    private const long Hour = 3600L * 1_000_000_000;
    private const long Noon = 1_700_000_000L * 1_000_000_000;

    private static readonly ShardKey Shard = new("db", "rp", 7);

    private static ShardCopy Copy(ulong id, long size, long modified = Noon, bool? held = true) =>
        new(id, new DataNodeAddress($"node{id}", 8088)) { IsHeld = held, Size = held == true ? size : null, LastModified = held == true ? modified : null };

    private static string? Describe(params ShardCopy[] copies) => OwnerDisagreement.Describe(Shard, copies);

    [Fact]
    public void Copies_alike_and_nodes_that_could_not_be_asked_are_none()
    {
        Assert.Null(Describe(Copy(1, 1_000_000), Copy(2, 1_000_000, Noon - (100 * Hour))));
        Assert.Null(Describe(Copy(1, 1_000_000), Copy(2, 0, held: null)));
        Assert.Null(Describe(Copy(1, 0, held: false), Copy(2, 0, held: false)));
        Assert.Null(Describe(Copy(1, 60_000), Copy(2, 1000)));
        Assert.Null(Describe(Copy(1, 1_000_000), Copy(2, 900_000, Noon - 1000)));
    }

    [Fact]
    public void A_copy_that_is_missing_or_empty_is_one()
    {
        Assert.Contains("node2:8088 does not have it", Describe(Copy(1, 100), Copy(2, 0, held: false)), StringComparison.Ordinal);
        Assert.Contains("node2:8088 has nothing in it", Describe(Copy(1, 100), Copy(2, 0)), StringComparison.Ordinal);
    }

    [Fact]
    public void Sizes_and_times_far_apart_are_one()
    {
        Assert.Contains("400000 bytes on node2:8088", Describe(Copy(1, 1_000_000), Copy(2, 400_000)), StringComparison.Ordinal);
        Assert.Contains("2023-11-14T20:13:20Z on node2:8088", Describe(Copy(1, 1_000_000), Copy(2, 900_000, Noon - (2 * Hour))), StringComparison.Ordinal);
    }
}
