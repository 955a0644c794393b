using System.IO.Compression;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

public class TombstoneFileTests
{
    private sealed record Deletion(string Key, long Min, long Max);

    private static (List<Deletion> Records, string? Warning, int Version) ReadAll(byte[] bytes)
    {
        using var file = TombstoneFile.Open(new MemoryStream(bytes), "made.tombstone");
        var records = new List<Deletion>();
        while (file.Read())
        {
            records.Add(new Deletion(Encoding.Latin1.GetString(file.Key), file.MinTime, file.MaxTime));
        }
        Assert.Equal(records.Count, file.Records);
        Assert.False(file.Read());
        return (records, file.Warning, file.Version);
    }

    private static byte[] Hostile(string name) => File.ReadAllBytes(Path.Combine(GoldenFiles.Root, "hostile", "tsm", name));

    private static byte[] Record(string key, long min, long max) =>
        [.. TsmEncoder.BigEndian((ulong)key.Length)[4..], .. Encoding.Latin1.GetBytes(key), .. TsmEncoder.BigEndian((ulong)min), .. TsmEncoder.BigEndian((ulong)max)];

    private static byte[] Gzip(byte[] bytes)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
        {
            gzip.Write(bytes);
        }
        return packed.ToArray();
    }

    /// <summary>Version 4 with one member for each of these groups of records.</summary>
    private static byte[] Version4(params byte[][] members) => [0, 0, 0x15, 4, .. members.SelectMany(Gzip)];

    [Fact]
    public void Version_1_deletes_whole_keys()
    {
        var (records, warning, version) = ReadAll(Hostile("v1.tombstone"));
        Assert.Equal(1, version);
        Assert.Null(warning);
        Assert.Equal(2, records.Count);
        Assert.All(records, r => Assert.Equal((long.MinValue, long.MaxValue), (r.Min, r.Max)));
    }

    [Fact]
    public void Version_2_is_read()
    {
        var (records, warning, version) = ReadAll(Hostile("v2.tombstone"));
        Assert.Equal(2, version);
        Assert.Null(warning);
        Assert.Equal([new Deletion("m,t=a#!~#f", long.MinValue, long.MaxValue)], records);
    }

    [Fact]
    public void Version_3_is_read()
    {
        var (records, warning, version) = ReadAll(Hostile("v3.tombstone"));
        Assert.Equal(3, version);
        Assert.Null(warning);
        Assert.Equal(2, records.Count);
    }

    [Fact]
    public void A_torn_file_of_version_4_gives_what_is_whole_and_a_warning()
    {
        var (records, warning, version) = ReadAll(Hostile("torn-v4.tombstone"));
        Assert.Equal(4, version);
        Assert.Single(records);
        Assert.Contains("truncated", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_version_is_an_error_and_not_text()
    {
        var error = Assert.Throws<TsmFormatException>(() => ReadAll(Hostile("future.tombstone")));
        Assert.Contains("version 9", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_file_deletes_nothing() => Assert.Empty(ReadAll([]).Records);

    [Fact]
    public void Binary_bytes_are_not_taken_for_text()
    {
        Assert.Throws<TsmFormatException>(() => ReadAll(new byte[100]));
        Assert.Throws<TsmFormatException>(() => ReadAll([0, 0, 0x15]));
        Assert.Throws<TsmFormatException>(() => ReadAll([.. Enumerable.Repeat((byte)'x', 100_000)]));
    }

    [Fact]
    public void A_huge_key_length_is_an_error_and_allocates_nothing() =>
        Assert.Throws<TsmFormatException>(() => ReadAll([0, 0, 0x15, 2, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]));

    [Fact]
    public void Bytes_behind_the_last_member_are_an_error() =>
        Assert.Throws<TsmFormatException>(() => ReadAll([.. Version4(Record("m#!~#f", 1, 2)), .. "garbage and more"u8]));

    [Fact]
    public void Every_cut_of_a_file_gives_whole_records_and_a_warning()
    {
        byte[][] members = [[.. Record("a#!~#f", 1, 2), .. Record("b#!~#f", 3, 4)], Record("c#!~#f", 5, 6)];
        var whole = Version4(members);
        var (all, none, _) = ReadAll(whole);
        Assert.Null(none);
        Assert.Equal(["a#!~#f", "b#!~#f", "c#!~#f"], all.Select(r => r.Key));
        int[] sound = [4, 4 + Gzip(members[0]).Length];
        for (var length = 4; length < whole.Length; length++)
        {
            var (records, warning, _) = ReadAll(whole[..length]);
            Assert.Equal(all.Take(records.Count), records);
            Assert.Equal(sound.Contains(length), warning is null);
        }
    }

    [Fact]
    public void A_flipped_bit_in_a_compressed_file_is_never_taken_for_a_record()
    {
        var records = Enumerable.Range(0, 50).Select(i => new Deletion($"m,t={i}#!~#f", i * 1000, i * 2000)).ToList();
        var whole = Version4([.. records.Chunk(10).Select(c => c.SelectMany(r => Record(r.Key, r.Min, r.Max)).ToArray())]);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(Gen.Choose(32, whole.Length * 8 - 1).ToArbitrary(), bit =>
        {
            var bytes = (byte[])whole.Clone();
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                var (read, warning, _) = ReadAll(bytes);
                // Flags such as the time in a member's header carry no meaning; a member may seem to be cut.
                return read.SequenceEqual(records) || warning is not null;
            }
            catch (TsmFormatException)
            {
                return true;
            }
        }));
    }

    [Theory]
    [InlineData("server-1.4.3.tar.gz", 3)]
    [InlineData("server-1.11.8.tar.gz", 4)]
    public void Tombstones_of_real_servers_name_keys_of_their_files(string archive, int version)
    {
        var files = GoldenFiles.Unpack(Path.Combine(GoldenFiles.Root, "tsm", archive)).ToDictionary(f => f.Name, f => f.Bytes);
        var tombstones = files.Where(f => f.Key.EndsWith(".tombstone", StringComparison.Ordinal)).ToList();
        Assert.Equal(3, tombstones.Count);
        foreach (var (name, bytes) in tombstones)
        {
            var (records, warning, found) = ReadAll(bytes);
            Assert.Equal(version, found);
            Assert.Null(warning);
            Assert.NotEmpty(records);
            var keys = Keys(files[Path.ChangeExtension(name, ".tsm")]);
            Assert.All(records, r => Assert.Contains(r.Key, keys));
        }
    }

    private static HashSet<string> Keys(byte[] tsm)
    {
        var keys = new HashSet<string>();
        using var index = TsmFile.FromMemory(tsm, "sound").ReadIndex();
        while (index.ReadKey())
        {
            keys.Add(Encoding.Latin1.GetString(index.Key));
        }
        return keys;
    }
}
