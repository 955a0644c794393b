using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.Transfer;

/// <summary>Whatever passes the guard lies inside the shard and looks like what its name says.</summary>
public sealed class TarGuardTests
{
    private const string Tsm = "db/rp/7/000000001-000000001.tsm";
    private static readonly ShardKey Shard = new("db", "rp", 7);
    private static readonly DateTime Now = new(2024, 1, 2, 3, 4, 5, DateTimeKind.Utc);

    private static TarGuard Take(string name, byte[] data, int piece = int.MaxValue)
    {
        var guard = new TarGuard(Shard, "the test");
        guard.Begin(name, data.Length, Now);
        for (var at = 0; at < data.Length; at += Math.Min(piece, data.Length))
        {
            guard.Data(data.AsSpan(at, Math.Min(piece, data.Length - at)));
        }

        guard.End();
        guard.Finish();
        return guard;
    }

    [Theory]
    [InlineData("db/rp/7/../8/x.tsm")]
    [InlineData("../x")]
    [InlineData("/db/rp/7/x")]
    [InlineData("db/rp/7/x\\y")]
    [InlineData("db/rp/7/./x")]
    [InlineData("db/rp/7//x")]
    [InlineData("db/rp/7/")]
    [InlineData("db/rp/7")]
    [InlineData("db/rp/70/x")]
    [InlineData("db/rp/8/x")]
    [InlineData("DB/rp/7/x")]
    [InlineData("C:/db/rp/7/x")]
    [InlineData("db/rp/7/x\0")]
    [InlineData("")]
    public void A_name_outside_of_the_shard_is_refused(string name) =>
        Assert.Equal("ShardArchiveUnsafe", Assert.Throws<InfluxBackupException>(() => Take(name, [])).Id);

    [Theory]
    [InlineData("x")]
    [InlineData("index/MANIFEST")]
    [InlineData("..x")]
    [InlineData("x..")]
    public void Other_files_of_the_shard_pass(string name) => Assert.Equal(name, Take("db/rp/7/" + name, [1]).Entries.Single().Name);

    [Fact]
    public void No_accepted_name_ever_leaves_the_shard()
    {
        var root = Path.GetFullPath(Path.Combine(Path.GetTempPath(), "root"));
        var home = Path.Combine(root, "db", "rp", "7") + Path.DirectorySeparatorChar;
        var part = Gen.Elements("db", "rp", "7", "70", "..", ".", "", "x", "/", "\\", "..\\", "C:", "\0", " ", "...", "ü", "db/rp/7/", "/../");
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5000), Prop.ForAll(
            (from start in Gen.Elements("db/rp/7/", "")
             from parts in part.ListOf()
             from joint in Gen.Elements("/", "")
             select start + string.Join(joint, parts)).ToArbitrary(),
            name =>
            {
                try
                {
                    var entry = Take(name, []).Entries.Single();
                    return Path.GetFullPath(Path.Combine(root, name)).StartsWith(home, StringComparison.Ordinal)
                        && Path.GetFullPath(Path.Combine(home, entry.Name)).StartsWith(home, StringComparison.Ordinal);
                }
                catch (InfluxBackupException e)
                {
                    return e.Id is "ShardArchiveUnsafe" or "TsmFileDamaged";
                }
            }));
    }

    [Fact]
    public void A_shard_with_a_hostile_name_accepts_nothing()
    {
        var guard = new TarGuard(new ShardKey("..", "..", 7), "the test");
        Assert.Throws<InfluxBackupException>(() => guard.Begin("../../7/x", 0, Now));
    }

    [Fact]
    public void Head_and_tail_of_a_tsm_file_are_found_in_pieces_of_any_size()
    {
        for (var size = 14; size < 40; size++)
        {
            for (var piece = 1; piece <= size; piece++)
            {
                Assert.Equal(size, Take(Tsm, TarBuilder.Tsm(size), piece).Entries.Single().Size);
                var noHead = TarBuilder.Tsm(size);
                noHead[4] ^= 2;
                var noIndex = TarBuilder.Tsm(size);
                noIndex[^1] = (byte)(size - 8);
                Assert.Equal("TsmFileDamaged", Assert.Throws<InfluxBackupException>(() => Take(Tsm, noHead, piece)).Id);
                Assert.Equal("TsmFileDamaged", Assert.Throws<InfluxBackupException>(() => Take(Tsm, noIndex, piece)).Id);
            }
        }
    }

    [Fact]
    public void A_tsm_file_too_short_to_be_one_is_refused()
    {
        for (var size = 0; size < 14; size++)
        {
            Assert.Equal("TsmFileDamaged", Assert.Throws<InfluxBackupException>(() => Take(Tsm, TarBuilder.Tsm(20)[..size])).Id);
        }
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(4UL)]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    public void An_index_outside_of_the_file_is_refused(ulong offset)
    {
        var tsm = TarBuilder.Tsm();
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(tsm.AsSpan(tsm.Length - 8), offset);
        Assert.Equal("TsmFileDamaged", Assert.Throws<InfluxBackupException>(() => Take(Tsm, tsm)).Id);
    }

    [Fact]
    public void A_tail_is_never_that_of_the_file_before()
    {
        var guard = new TarGuard(Shard, "the test");
        guard.Begin(Tsm, 64, Now);
        guard.Data(TarBuilder.Tsm());
        guard.End();
        guard.Begin("db/rp/7/000000002-000000001.tsm", 5, Now);
        guard.Data(TarBuilder.Tsm().AsSpan(0, 5));
        Assert.Throws<InfluxBackupException>(guard.End);
    }

    [Fact]
    public void A_name_twice_and_a_lone_tombstone_are_warnings()
    {
        var guard = new TarGuard(Shard, "the test");
        foreach (var name in new[] { "a", "a", "000000009-000000001.tombstone" })
        {
            guard.Begin("db/rp/7/" + name, 0, Now);
            guard.End();
        }

        guard.Finish();
        Assert.Collection(guard.Warnings, w => Assert.Contains("twice", w, StringComparison.Ordinal), w => Assert.Contains("no TSM file", w, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("000000001-000000001.tsm", true)]
    [InlineData("900000000-000000001.tsm", true)]
    [InlineData("900000001-000000001.tsm", false)]
    [InlineData("00000001-000000001.tsm", false)]
    [InlineData("000000001-000000001.tsm\n", false)]
    [InlineData("x000000001-000000001.tsm", false)]
    [InlineData("٠٠٠٠٠٠٠٠١-000000001.tsm", false)]
    [InlineData("000000001-000000001.TSM", false)]
    public void Only_regular_names_are_given_to_a_server(string name, bool isSafe) => Assert.Equal(isSafe, ShardFileName.IsSafeTsmName(name));
}
