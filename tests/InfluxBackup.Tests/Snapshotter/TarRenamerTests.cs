using System.Formats.Tar;
using System.Text;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using InfluxBackup.Tests.Transfer;
using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.Snapshotter;

/// <summary>What goes to a server has the server's names, and is otherwise what was in the archive.</summary>
public sealed class TarRenamerTests
{
    private static readonly ShardKey Source = new("db", "rp", 7);

    private static byte[] Rename(ShardKey target, byte[] tar, int piece = 1000)
    {
        var output = new List<byte>();
        var renamer = new TarRenamer(target);
        var scanner = new TarScanner(renamer, "the test");
        for (var at = 0; at < tar.Length; at += piece)
        {
            scanner.Append(tar.AsSpan(at, Math.Min(piece, tar.Length - at)));
            output.AddRange(renamer.Output.Span);
            renamer.Clear();
        }

        renamer.Finish();
        output.AddRange(renamer.Output.Span);
        return [.. output];
    }

    private static List<(string Name, string Content, DateTimeOffset Modified)> ReadAsOthersDo(byte[] tar)
    {
        var files = new List<(string, string, DateTimeOffset)>();
        using var reader = new TarReader(new MemoryStream(tar));
        while (reader.GetNextEntry() is { } entry)
        {
            var content = new MemoryStream();
            entry.DataStream?.CopyTo(content);
            Assert.True(entry.EntryType is TarEntryType.RegularFile, entry.EntryType.ToString());
            files.Add((entry.Name, Convert.ToHexString(content.ToArray()), entry.ModificationTime));
        }

        return files;
    }

    public static TheoryData<string, string> Names => new()
    {
        { "db", "rp" },
        { "dotted.db-1 größe", "ポリシー-1d" },
        { new string('d', 255), new string('p', 255) },
        { new string('ü', 127), "rp" },
        { "database \"q\" %s = \n", "x=y" },
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_reader_finds_the_new_names_and_the_old_content(string database, string policy)
    {
        var target = new ShardKey(database, policy, 18446744073709551615);
        var files = new[] { ("000000001-000000001.tsm", 700), ("000000001-000000002.tsm", 512), ("000000123-000000001.tsm", 14) };
        var archive = new TarBuilder();
        foreach (var (name, size) in files)
        {
            archive.Entry($"{Source.Path}/{name}", TarBuilder.Tsm(size));
        }

        var renamed = Rename(target, archive.Zeros().ToArray());
        var expected = files.Select(f => ($"{target.Path}/{f.Item1}", Convert.ToHexString(TarBuilder.Tsm(f.Item2)))).ToList();
        Assert.Equal(expected, ReadAsOthersDo(renamed).Select(f => (f.Name, f.Content)));
        Assert.Equal(expected, TarRecorder.Scan(renamed).Files.Select(f => (f.Name, f.Content)));
        Assert.All(ReadAsOthersDo(renamed), f => Assert.Equal(new DateTimeOffset(2023, 11, 14, 22, 13, 20, TimeSpan.Zero), f.Modified));
        Assert.True(renamed.AsSpan(renamed.Length - 1024).IndexOfAnyExcept((byte)0) < 0);
    }

    /// <summary>The record's length counts its own digits: it is wrong at 99, 999 and their neighbours first.</summary>
    [Fact]
    public void Names_of_every_length_survive()
    {
        const string File = "000000001-000000001.tsm";
        var archive = TarBuilder.Shard(Source);
        foreach (var letter in new[] { "d", "ü" })
        {
            for (var length = 1; length <= 500; length++)
            {
                var target = new ShardKey(string.Concat(Enumerable.Repeat(letter, length)), "p", 1);
                var renamed = Rename(target, archive);
                Assert.Equal($"{target.Path}/{File}", Assert.Single(TarRecorder.Scan(renamed).Files).Name);
                Assert.Equal($"{target.Path}/{File}", Assert.Single(ReadAsOthersDo(renamed)).Name);
                Assert.Equal(0, renamed.Length % 512);
            }
        }
    }

    [Fact]
    public void The_length_of_an_extended_record_is_its_length()
    {
        foreach (var length in Enumerable.Range(80, 60).Concat(Enumerable.Range(950, 60)))
        {
            var renamed = Rename(new ShardKey(new string('d', length), "p", 1), TarBuilder.Shard(Source));
            if (renamed[156] == (byte)'x')
            {
                var size = Convert.ToInt32(Encoding.ASCII.GetString(renamed, 124, 11), 8);
                var record = Encoding.ASCII.GetString(renamed, 512, size);
                Assert.Equal(size, int.Parse(record[..record.IndexOf(' ', StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture));
                Assert.EndsWith("\n", record, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Only_tsm_files_with_safe_names_are_passed_on()
    {
        var archive = new TarBuilder()
            .Entry("db/rp/7/000000001-000000001.tombstone", [1])
            .Entry("db/rp/7/000000001-000000001.tsm", TarBuilder.Tsm())
            .Entry("db/rp/7/index/MANIFEST", [1, 2])
            .Entry("db/rp/7/999999999-000000001.tsm", TarBuilder.Tsm())
            .Entry("db/rp/7/x.tsm", TarBuilder.Tsm())
            .Entry("db/rp/7/000000002-000000001.tsm.tmp", TarBuilder.Tsm())
            .Zeros().ToArray();
        var renamer = new TarRenamer(new ShardKey("t", "u", 9));
        new TarScanner(renamer, "the test").Append(archive);
        Assert.Equal(("000000001-000000001.tsm", 64L), (Assert.Single(renamer.Sent).Name, renamer.Sent[0].Size));
        Assert.Equal("t/u/9/000000001-000000001.tsm", Assert.Single(ReadAsOthersDo(Rename(new ShardKey("t", "u", 9), archive))).Name);
    }

    [Fact]
    public void Without_the_end_the_output_never_looks_whole()
    {
        var renamer = new TarRenamer(new ShardKey("t", "u", 9));
        new TarScanner(renamer, "the test").Append(TarBuilder.Shard(Source));
        var output = renamer.Output.ToArray();
        Assert.Equal("ShardTruncated", Assert.Throws<InfluxBackupException>(() => TarRecorder.Scan(output)).Id);
    }

    [Fact]
    public void The_size_of_the_pieces_makes_no_difference()
    {
        var archive = new TarBuilder().Entry("db/rp/7/000000001-000000001.tsm", TarBuilder.Tsm(1500)).Entry("db/rp/7/000000002-000000001.tsm", TarBuilder.Tsm(99)).Zeros().ToArray();
        var whole = Rename(new ShardKey("größe", "u", 9), archive, archive.Length);
        foreach (var piece in new[] { 1, 7, 511, 512, 513, 1024 })
        {
            Assert.Equal(whole, Rename(new ShardKey("größe", "u", 9), archive, piece));
        }
    }

    /// <summary>Eleven octal digits end at 8 GiB.</summary>
    [Theory]
    [InlineData((8L << 30) - 1)]
    [InlineData(8L << 30)]
    [InlineData(100L << 30)]
    public void The_size_of_a_large_file_survives(long size)
    {
        var renamer = new TarRenamer(new ShardKey("t", "u", 9));
        renamer.Begin("db/rp/7/000000001-000000001.tsm", size, new DateTime(2024, 1, 2, 3, 4, 5, DateTimeKind.Utc));
        var recorder = new TarRecorder();
        new TarScanner(recorder, "the test").Append(renamer.Output.Span);
        Assert.Equal(("t/u/9/000000001-000000001.tsm", size), (recorder.Name, recorder.Size));
    }

    [Theory]
    [InlineData("1970-01-01T00:00:00Z")]
    [InlineData("2037-12-31T00:00:00Z")]
    [InlineData("2106-02-07T06:28:16Z")]
    public void Any_time_of_a_file_can_be_sent(string time)
    {
        var renamer = new TarRenamer(new ShardKey("t", "u", 9));
        renamer.Begin("db/rp/7/000000001-000000001.tsm", 0, DateTime.Parse(time, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AdjustToUniversal));
        renamer.End();
        renamer.Finish();
        Assert.Equal("t/u/9/000000001-000000001.tsm", Assert.Single(TarRecorder.Scan(renamer.Output.ToArray()).Files).Name);
    }
}
