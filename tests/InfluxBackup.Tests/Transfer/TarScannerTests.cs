using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.Transfer;

/// <summary>Only a stream that is whole and well-formed is accepted, however it comes in.</summary>
public sealed class TarScannerTests
{
    private static readonly string LongName = "db/rp/7/" + new string('n', 200) + ".tsm";
    private const string Foreign = "größe/ポリシー/7/000000001-000000001.tsm";

    /// <summary>One of everything that a scanner accepts.</summary>
    private static readonly byte[] Sample = new TarBuilder()
        .Entry("db/rp/7/000000001-000000001.tsm", TarBuilder.Tsm(700))
        .Entry("db/rp/7/empty", [])
        .Entry("db/rp/7", [], '5')
        .Pax(("path", Foreign), ("mtime", "1700000000.5"))
        .Entry("short", TarBuilder.Tsm(512))
        .LongName(LongName)
        .Entry("short", TarBuilder.Tsm(100))
        .Entry("db/rp/7/old", [1, 2, 3], '\0')
        .Zeros()
        .ToArray();

    private static InfluxBackupException Refused(byte[] stream) => Assert.Throws<InfluxBackupException>(() => TarRecorder.Scan(stream));

    [Fact]
    public void Names_sizes_and_content_come_out_as_they_went_in()
    {
        var files = TarRecorder.Scan(Sample).Files;
        Assert.Equal(["db/rp/7/000000001-000000001.tsm", "db/rp/7/empty", Foreign, LongName, "db/rp/7/old"], files.Select(f => f.Name));
        Assert.Equal([700L, 0, 512, 100, 3], files.Select(f => f.Size));
        Assert.Equal(Convert.ToHexString(TarBuilder.Tsm(512)), files[2].Content);
        Assert.Equal("010203", files[4].Content);
    }

    [Fact]
    public void A_stream_cut_at_any_byte_is_never_accepted()
    {
        for (var length = 0; length < Sample.Length; length++)
        {
            var error = Refused(Sample[..length]);
            Assert.Equal(length == 0 ? "ShardNotSent" : "ShardTruncated", error.Id);
            Assert.False(error.IsTransient);
        }
    }

    [Fact]
    public void What_a_server_sent_broken_is_worth_another_try()
    {
        var scanner = new TarScanner(new TarRecorder(), "the test", isRepeatable: true);
        scanner.Append(Sample.AsSpan(0, 1000));
        Assert.True(Assert.Throws<InfluxBackupException>(scanner.Finish).IsTransient);
    }

    [Fact]
    public void The_size_of_the_pieces_makes_no_difference()
    {
        var whole = TarRecorder.Scan(Sample).Files;
        Check.QuickThrowOnFailure(Prop.ForAll(Gen.Choose(1, 1500).NonEmptyListOf().ToArbitrary(), pieces =>
            TarRecorder.Scan(Sample, [.. pieces]).Files.SequenceEqual(whole)));
        Assert.Equal(whole, TarRecorder.Scan(Sample, 1).Files);
    }

    [Fact]
    public void A_changed_byte_in_a_header_is_refused_or_changes_nothing()
    {
        var whole = TarRecorder.Scan(Sample).Files;
        var headers = Enumerable.Range(0, Sample.Length / 512).Where(b => Sample.AsSpan((b * 512) + 257, 5).SequenceEqual("ustar"u8)).Select(b => b * 512).ToArray();
        Assert.Equal(8, headers.Length);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(
            (from header in Gen.Elements(headers)
             from at in Gen.Choose(0, 511)
             from change in Gen.Choose(1, 255)
             select (at: header + at, change)).ToArbitrary(),
            x =>
            {
                var bytes = (byte[])Sample.Clone();
                bytes[x.at] ^= (byte)x.change;
                try
                {
                    return TarRecorder.Scan(bytes).Files.SequenceEqual(whole);
                }
                catch (InfluxBackupException e)
                {
                    return e.Id is "ShardArchiveDamaged" or "ShardTruncated";
                }
            }));
    }

    [Fact]
    public void Random_bytes_are_refused_in_our_own_words()
    {
        Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.GeneratorFor<byte>().ArrayOf(700).ToArbitrary(), bytes => Refused(bytes).Id.Length > 0));
    }

    [Theory]
    [InlineData(1, "ShardTruncated")]
    [InlineData(2, null)]
    [InlineData(20, null)]
    public void Two_zero_blocks_end_an_archive_and_more_of_them_do_no_harm(int blocks, string? error)
    {
        var stream = new TarBuilder().Zeros(blocks).ToArray();
        Assert.Equal(error, Record(() => TarRecorder.Scan(stream))?.Id);
    }

    [Fact]
    public void Nothing_may_follow_the_end()
    {
        Assert.Equal("ShardArchiveDamaged", Refused([.. Sample, 0, 1]).Id);
        Assert.Equal("ShardArchiveDamaged", Refused([.. Sample, .. Sample]).Id);
    }

    [Fact]
    public void A_lone_zero_block_between_entries_is_damage() =>
        Assert.Equal("ShardArchiveDamaged", Refused(new TarBuilder().Entry("a", [1]).Zeros(1).Entry("b", [2]).Zeros().ToArray()).Id);

    [Theory]
    [InlineData('1', "hard link")]
    [InlineData('2', "symbolic link")]
    [InlineData('3', "device")]
    [InlineData('6', "pipe")]
    [InlineData('S', "type 'S'")]
    public void Only_plain_files_are_taken(char type, string word)
    {
        var error = Refused(new TarBuilder().Entry("db/rp/7/x", [], type).Zeros().ToArray());
        Assert.Equal("ShardArchiveUnsafe", error.Id);
        Assert.Contains(word, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_size_beyond_the_octal_field_comes_from_the_extended_header()
    {
        const long Size = 9L << 30;
        var recorder = new TarRecorder();
        new TarScanner(recorder, "the test").Append(
            new TarBuilder().Pax(("size", Size.ToString(System.Globalization.CultureInfo.InvariantCulture))).Entry("big", [], size: 0).ToArray());
        Assert.Equal(("big", Size), (recorder.Name, recorder.Size));
    }

    [Fact]
    public void An_extended_size_belongs_to_the_file_and_not_to_a_long_name_in_between()
    {
        var files = TarRecorder.Scan(new TarBuilder().Pax(("size", "3")).LongName(LongName).Entry("short", [1, 2, 3], size: 0).Zeros().ToArray()).Files;
        Assert.Equal((LongName, 3L, "010203"), Assert.Single(files));
    }

    [Fact]
    public void An_extended_name_serves_one_entry_only()
    {
        var files = TarRecorder.Scan(new TarBuilder().Pax(("path", "a")).Entry("b", []).Entry("c", []).Zeros().ToArray()).Files;
        Assert.Equal(["a", "c"], files.Select(f => f.Name));
    }

    [Fact]
    public void An_extended_header_without_its_entry_is_damage()
    {
        Assert.Equal("ShardArchiveDamaged", Refused(new TarBuilder().Pax(("path", "a")).Zeros().ToArray()).Id);
        Assert.Equal("ShardArchiveDamaged", Refused(new TarBuilder().LongName("a").Zeros().ToArray()).Id);
    }

    [Theory]
    [InlineData("size", "-1")]
    [InlineData("size", "many")]
    [InlineData("size", "9223372036854775807")]
    [InlineData("size", "99999999999999999999")]
    public void An_absurd_size_is_refused(string key, string value) =>
        Assert.Equal("ShardArchiveDamaged", Refused(new TarBuilder().Pax((key, value)).Entry("a", []).Zeros().ToArray()).Id);

    [Theory]
    [InlineData("path=a\n")]
    [InlineData("99 path=a\n")]
    [InlineData("x path=a\n")]
    [InlineData("-5 path=a\n")]
    [InlineData("2 \n")]
    public void A_broken_extended_header_is_refused_or_names_nothing(string body)
    {
        var stream = new TarBuilder().Entry("x", System.Text.Encoding.ASCII.GetBytes(body), 'x').Entry("real", []).Zeros().ToArray();
        try
        {
            Assert.Equal("real", Assert.Single(TarRecorder.Scan(stream).Files).Name);
        }
        catch (InfluxBackupException e)
        {
            Assert.Equal("ShardArchiveDamaged", e.Id);
        }
    }

    [Fact]
    public void An_extended_header_may_not_eat_the_memory() =>
        Assert.Equal("ShardArchiveDamaged", Refused(new TarBuilder().Entry("x", [], 'x', size: 1L << 30).Zeros().ToArray()).Id);

    private static InfluxBackupException? Record(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (InfluxBackupException e)
        {
            return e;
        }
    }
}
