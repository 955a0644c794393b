using InfluxBackup.Tsm;
using InfluxBackup.Wal;

namespace InfluxBackup.Tests.Wal;

public class WalSegmentReaderTests
{
    [Fact]
    public void Every_type_of_entry_and_value_is_read()
    {
        var bytes = new WalBuilder()
            .Write(
                ("m#!~#f", [(3, 1.5), (1, -0.0), (3, double.MaxValue)]),
                ("m#!~#i", [(long.MinValue, long.MinValue), (long.MaxValue, long.MaxValue)]),
                ("m#!~#b", [(1, true), (2, false)]),
                ("m#!~#s", [(1, ""), (2, "two\nlines"), (3, new string('x', 70_000))]),
                ("m#!~#u", [(1, ulong.MaxValue)]))
            .DeleteRange(-5, 7, "m#!~#f", "line\nfeed#!~#f")
            .Delete("m#!~#f", "m#!~#i")
            .Bytes;
        var (lines, warning, entries) = WalText.Read(bytes);
        Assert.Null(warning);
        Assert.Equal(3, entries);
        Assert.Equal(
            [
                "m#!~#f 3 1.5", "m#!~#f 1 -0", "m#!~#f 3 1.7976931348623157E+308",
                $"m#!~#i {long.MinValue} {long.MinValue}", $"m#!~#i {long.MaxValue} {long.MaxValue}",
                "m#!~#b 1 True", "m#!~#b 2 False",
                "m#!~#s 1 ", "m#!~#s 2 two\nlines", $"m#!~#s 3 {new string('x', 70_000)}",
                $"m#!~#u 1 {ulong.MaxValue}",
                "m#!~#f - -5 7", "line\nfeed#!~#f - -5 7",
                $"m#!~#f - {long.MinValue} {long.MaxValue}", $"m#!~#i - {long.MinValue} {long.MaxValue}",
            ], lines);
    }

    [Theory]
    [InlineData("_sound.wal", 5, null)]
    [InlineData("_empty.wal", 0, null)]
    [InlineData("_delete-keys-type2.wal", 3, null)]
    [InlineData("_torn-tail.wal", 4, "cut off")]
    [InlineData("_torn-header.wal", 4, "the last entry is cut off after")]
    [InlineData("_corrupt-middle.wal", 1, "entry 2 is damaged")]
    [InlineData("_unknown-type.wal", 1, "entry 2 has the unknown type 9")]
    [InlineData("_huge-length.wal", 1, "entry 2 is cut off: of its 4294967")]
    [InlineData("_count-too-large.wal", 0, "claims 2147483647 values")]
    public void A_damaged_segment_gives_what_lies_before_the_damage_and_says_where_it_is(string name, int entries, string? message)
    {
        using var segment = WalSegmentReader.Open(TestData.Hostile($"wal/{name}"));
        var read = WalText.Read(segment);
        Assert.Equal(entries, read.Entries);
        if (message is null)
        {
            Assert.Null(read.Warning);
            Assert.Equal(segment.Length, segment.EndOffset);
            return;
        }
        Assert.Contains(name, read.Warning, StringComparison.Ordinal);
        Assert.Contains($"offset {segment.EndOffset}", read.Warning, StringComparison.Ordinal);
        Assert.Contains(message, read.Warning, StringComparison.Ordinal);
        Assert.False(segment.Read());
    }

    [Fact]
    public void A_segment_cut_at_any_byte_gives_its_whole_entries()
    {
        var builder = new WalBuilder();
        var ends = new List<long> { 0 };
        foreach (var entry in new Action[]
        {
            () => builder.Write("m#!~#f", (1, 1.0), (2, 2.0)),
            () => builder.DeleteRange(1, 1, "m#!~#f", "m#!~#g"),
            () => builder.Write("m#!~#s", (1, "text")),
            () => builder.Delete("m#!~#f"),
        })
        {
            entry();
            ends.Add(builder.Length);
        }
        var bytes = builder.Bytes;
        var whole = WalText.Read(bytes).Lines;
        for (var length = 0; length <= bytes.Length; length++)
        {
            var (lines, warning, entries) = WalText.Read(bytes[..length]);
            Assert.Equal(ends.Count(e => e <= length) - 1, entries);
            Assert.Equal(whole.Take(lines.Count), lines);
            Assert.Equal(ends.Contains(length), warning is null);
        }
    }

    [Fact]
    public void Nothing_of_a_damaged_entry_is_read()
    {
        foreach (var (type, data, message) in new (byte, byte[], string)[]
        {
            (1, [9, 0, 1, 65], "unknown type 9 of values"),
            (1, [0, 0, 1, 65], "unknown type 0 of values"),
            (1, [1, 0], "a key is cut off"),
            (1, [1, 0, 9, 65], "a key is cut off"),
            (1, [1, 0, 0, 0, 0, 0, 1], "a key is empty"),
            (1, [1, 0, 1, 65, 0, 0, 0, 0], "claims 0 values"),
            (1, [4, 0, 1, 65, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 255, 255, 255, 255], "claims 1 values"),
            (3, [1, 2, 3], "the times of the delete are cut off"),
            (3, [.. new byte[16], 0, 0, 0, 9, 65], "a key claims 9 bytes, 1 follow"),
            (3, [.. new byte[16], 0, 0], "a key is cut off"),
        })
        {
            // A sound key comes first; it must not be returned either.
            var sound = type == 1 ? new byte[] { 3, 0, 1, 66, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1 } : [];
            var bytes = new WalBuilder().Delete("a").Entry(type, [.. sound, .. data]).Delete("b").Bytes;
            var (lines, warning, entries) = WalText.Read(bytes);
            Assert.Equal(1, entries);
            Assert.StartsWith("a - ", Assert.Single(lines), StringComparison.Ordinal);
            Assert.Contains(message, warning, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_entry_of_nothing_is_none_to_worry_about()
    {
        var (lines, warning, entries) = WalText.Read(new WalBuilder().Entry(1, []).Entry(2, []).DeleteRange(1, 2).Delete("", "", "a", "").Bytes);
        Assert.Null(warning);
        Assert.Equal(4, entries);
        Assert.StartsWith("a - ", Assert.Single(lines), StringComparison.Ordinal);
    }

    [Fact]
    public void A_claim_to_unpack_to_much_is_damage_and_takes_no_memory()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var (_, warning, _) = WalText.Read(new WalBuilder().Packed(1, [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 65]).Bytes);
        Assert.Contains("entry 1 is damaged", warning, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public void A_sound_entry_that_is_too_large_is_an_error_and_no_damage()
    {
        // 300 MB of zeros: literal of one byte, then copies of 64 bytes at distance 1.
        const int Size = 300_000_000;
        using var packed = new MemoryStream();
        for (var rest = (uint)Size; ; rest >>= 7)
        {
            packed.WriteByte((byte)(rest < 128 ? rest : rest | 128));
            if (rest < 128)
            {
                break;
            }
        }
        packed.Write([0, 0]);
        for (var i = 0; i < Size / 64; i++)
        {
            packed.Write([0xfe, 1, 0]);
        }
        var error = Assert.Throws<TsmFormatException>(() => WalText.Read(new WalBuilder().Delete("a").Packed(1, packed.ToArray()).Bytes));
        Assert.Contains("larger than the 256 MiB", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_bytes_make_the_reader_fail()
    {
        var sound = File.ReadAllBytes(TestData.Hostile("wal/_sound.wal"));
        var random = new Random(20261120);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = sound.ToArray();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }
            WalText.Read(bytes);
        }
        for (var i = 0; i < 20_000; i++)
        {
            // Damage inside of entries, so that the packing is sound.
            var data = new byte[random.Next(60)];
            random.NextBytes(data);
            for (var at = 0; at < data.Length; at++)
            {
                data[at] = random.Next(3) == 0 ? data[at] : (byte)random.Next(5);
            }
            WalText.Read(new WalBuilder().Entry((byte)random.Next(1, 4), data).Bytes);
        }
    }
}
