using System.Text;
using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

public class TsmFileTests
{
    private static readonly byte[] Block = TsmEncoder.Block(1, TsmEncoder.RawTimes(1, 2), TsmEncoder.RawIntegers(10, 20));
    private static readonly byte[] Later = TsmEncoder.Block(1, TsmEncoder.RawTimes(3, 4), TsmEncoder.RawIntegers(30, 40));

    private static TsmFileReport Verify(byte[] bytes) => TsmFileVerifier.Verify(TsmFile.FromMemory(bytes, "made.tsm"), CancellationToken.None);

    private static TsmProblem OnlyProblem(byte[] bytes) => Assert.Single(Verify(bytes).Problems);

    [Fact]
    public void A_sound_file_of_our_own_making_has_no_problems() =>
        Assert.Empty(Verify(TsmEncoder.File(("a#!~#f", 1, [(1, 2, Block), (3, 4, Later)]), ("b#!~#f", 1, [(1, 2, Block)]))).Problems);

    [Fact]
    public void Unsigned_values_are_read()
    {
        using var points = new TsmPoints();
        points.Decode(TsmEncoder.Block(4, TsmEncoder.RawTimes(1, 2), TsmEncoder.RawIntegers(-1, 5)));
        Assert.Equal([ulong.MaxValue, 5], points.Unsigneds.ToArray());
        Assert.Throws<InvalidOperationException>(() => points.Integers.Length);
    }

    [Theory]
    [InlineData("bad-magic.tsm")]
    [InlineData("version-2.tsm")]
    [InlineData("header-only.tsm")]
    public void The_index_of_what_is_no_TSM_file_cannot_be_read(string name)
    {
        using var file = TsmFile.Open(Path.Combine(GoldenFiles.Root, "hostile", "tsm", name));
        Assert.Throws<TsmFormatException>(() => file.ReadIndex());
    }

    [Fact]
    public void An_empty_index_cannot_be_read() => Assert.Throws<TsmFormatException>(() => ReadKeys(TsmEncoder.File()));

    [Fact]
    public void Keys_out_of_order_are_found()
    {
        var bytes = TsmEncoder.File(("b#!~#f", 1, [(1, 2, Block)]), ("a#!~#f", 1, [(1, 2, Block)]));
        var problem = OnlyProblem(bytes);
        Assert.Equal("KeyOrder", problem.Check);
        Assert.Equal("a field f", problem.Key);
        Assert.Throws<TsmFormatException>(() => ReadKeys(bytes));
    }

    [Fact]
    public void A_key_that_occurs_twice_is_found() =>
        Assert.Equal("KeyOrder", OnlyProblem(TsmEncoder.File(("a#!~#f", 1, [(1, 2, Block)]), ("a#!~#f", 1, [(3, 4, Later)]))).Check);

    [Fact]
    public void A_key_without_a_field_is_found() =>
        Assert.Equal("Key", OnlyProblem(TsmEncoder.File(("measurement", 1, [(1, 2, Block)]))).Check);

    [Fact]
    public void A_key_without_blocks_is_found() =>
        Assert.Equal("BlockCount", OnlyProblem(TsmEncoder.File(("a#!~#f", 1, [(1, 2, Block)]), ("b#!~#f", 1, []))).Check);

    [Fact]
    public void Blocks_out_of_order_are_found()
    {
        var bytes = TsmEncoder.File(("a#!~#f", 1, [(3, 4, Later), (1, 2, Block)]));
        Assert.Equal("EntryOrder", OnlyProblem(bytes).Check);
        Assert.Throws<TsmFormatException>(() => ReadKeys(bytes));
    }

    [Fact]
    public void Times_that_do_not_ascend_are_found()
    {
        var block = TsmEncoder.Block(1, TsmEncoder.RawTimes(1, 3, 2, 4), TsmEncoder.RawIntegers(1, 2, 3, 4));
        var problem = OnlyProblem(TsmEncoder.File(("a#!~#f", 1, [(1, 4, block)])));
        Assert.Equal("PointTimes", problem.Check);
        Assert.Contains("point 2 of 4", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_values_than_times_are_found_for_every_type()
    {
        var times = TsmEncoder.RawTimes(1, 2);
        byte[][] values = [TsmEncoder.Floats(1, 2, 3), TsmEncoder.RawIntegers(1, 2, 3), TsmEncoder.Booleans(true, false, true), TsmEncoder.Strings([1], [], [3]), TsmEncoder.RawIntegers(1, 2, 3)];
        for (byte type = 0; type < 5; type++)
        {
            var problem = OnlyProblem(TsmEncoder.File(("a#!~#f", type, [(1, 2, TsmEncoder.Block(type, times, values[type]))])));
            Assert.Equal("PointCount", problem.Check);
        }
    }

    [Fact]
    public void Fewer_values_than_times_are_found_for_every_type()
    {
        var times = TsmEncoder.RawTimes(1, 2, 3);
        byte[][] values = [TsmEncoder.Floats(1, 2), TsmEncoder.RawIntegers(1, 2), TsmEncoder.Booleans(true, false), TsmEncoder.Strings([1], []), TsmEncoder.RawIntegers(1, 2)];
        for (byte type = 0; type < 5; type++)
        {
            var problem = OnlyProblem(TsmEncoder.File(("a#!~#f", type, [(1, 3, TsmEncoder.Block(type, times, values[type]))])));
            Assert.Equal("PointCount", problem.Check);
            Assert.Contains("3 times, but 2 values", problem.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Times_and_values_that_both_claim_billions_are_refused_without_room_for_them()
    {
        var block = TsmEncoder.Block(1, TsmEncoder.TimeRun(0, 0, 1, 5_000_000_000), TsmEncoder.IntegerRun(0, 1, 4_999_999_999));
        var bytes = TsmEncoder.File(("a#!~#f", 1, [(0, 4_999_999_999, block)]));
        var before = GC.GetTotalAllocatedBytes(true);
        var problem = OnlyProblem(bytes);
        Assert.True(GC.GetTotalAllocatedBytes(true) - before < 64 << 20);
        Assert.Equal("BlockDecode", problem.Check);
        Assert.Contains("5000000000 points", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_belong_to_no_key_are_found()
    {
        var bytes = TsmEncoder.File(("a#!~#f", 1, [(1, 2, Block)]), ("b#!~#f", 1, [(1, 2, Block)]));
        // The footer points at the second key: a sound index that lost the first.
        var second = bytes.Length - 8 - (2 + 6 + 3 + 28);
        var problem = OnlyProblem([.. bytes[..^8], .. TsmEncoder.BigEndian((ulong)second)]);
        Assert.Equal("BlockCoverage", problem.Check);
    }

    [Fact]
    public void Two_keys_that_share_a_block_are_found()
    {
        var bytes = TsmEncoder.File(("a#!~#f", 1, [(1, 2, Block)]), ("b#!~#f", 1, [(1, 2, Block)]));
        // Before the footer: the last entry's offset (8) and size (4).
        TsmEncoder.BigEndian(TsmFormat.HeaderSize).CopyTo(bytes, bytes.Length - 8 - 12);
        Assert.Equal("BlockCoverage", OnlyProblem(bytes).Check);
    }

    [Fact]
    public void A_key_of_any_bytes_is_shown_readably()
    {
        Assert.Equal("m,t=a field value", TsmKey.Describe("m,t=a#!~#value"u8));
        Assert.Equal("größe,t=\\xff\\x0a field f", TsmKey.Describe([.. "größe,t="u8, 0xff, 0x0a, .. "#!~#f"u8]));
        Assert.EndsWith("… (60000 bytes) field f", TsmKey.Describe(Encoding.UTF8.GetBytes(new string('k', 60000) + "#!~#f")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_large_index_and_large_blocks_pass_through_a_window()
    {
        // 300 blocks of a long key, and one block of several windows: both larger than what is read at once.
        var text = new byte[1_500_000];
        new Random(1).NextBytes(text);
        var large = TsmEncoder.Block(3, TsmEncoder.RawTimes(7), TsmEncoder.Strings(text));
        var bytes = TsmEncoder.File(
            [("a#!~#f", 3, [(7, 7, large)]),
             .. Enumerable.Range(0, 20).Select(i => ($"b{i:d2}" + new string('k', 60_000) + "#!~#f", (byte)1, Many(300)))]);
        var report = Verify(bytes);
        Assert.Empty(report.Problems);
        Assert.Equal(1 + 20 * 300 * 2, report.Points);
        bytes[1_000_000] ^= 1;
        Assert.Equal("BlockChecksum", OnlyProblem(bytes).Check);
    }

    private static (long, long, byte[])[] Many(int count) =>
        [.. Enumerable.Range(0, count).Select(i => ((long)i * 2, i * 2 + 1L, TsmEncoder.Block(1, TsmEncoder.RawTimes(i * 2, i * 2 + 1), TsmEncoder.RawIntegers(i, i))))];

    [Fact]
    public void Checking_a_thousand_blocks_allocates_no_more_than_checking_ten()
    {
        long Allocated(int blocks)
        {
            var file = TsmFile.FromMemory(TsmEncoder.File(("a#!~#f", 1, Many(blocks))), "made.tsm");
            TsmFileVerifier.Verify(file, CancellationToken.None);
            var before = GC.GetAllocatedBytesForCurrentThread();
            TsmFileVerifier.Verify(file, CancellationToken.None);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
        var ten = Allocated(10);
        var thousand = Allocated(1000);
        Assert.True(thousand < ten + 1000, $"{ten} and {thousand} bytes");
    }

    [Fact]
    public void A_file_beyond_4_GiB_is_read_at_64_bit_offsets()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs files with holes.");
        const long Gap = 5L << 30;
        var small = TsmEncoder.File(("a#!~#f", 1, [(1, 2, Block)]));
        var start = small.Length - 8 - (2 + 6 + 3 + 28);
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            using (var stream = File.Create(path))
            {
                stream.Write(small.AsSpan(0, 5));
                stream.Position = 5 + Gap;
                stream.Write(small.AsSpan(5..^20));
                stream.Write([.. TsmEncoder.BigEndian(5 + Gap), .. small[^12..^8], .. TsmEncoder.BigEndian((ulong)(start + Gap))]);
            }
            using var file = TsmFile.Open(path);
            var report = TsmFileVerifier.Verify(file, CancellationToken.None);
            Assert.Equal(2, report.Points);
            // The hole belongs to no key; everything else is right.
            Assert.Equal("BlockCoverage", Assert.Single(report.Problems).Check);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_file_that_shrinks_while_it_is_read_is_an_error_and_not_a_crash()
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        File.WriteAllBytes(path, GoldenFiles.Blocks);
        try
        {
            using var file = TsmFile.Open(path);
            using (var other = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
            {
                other.SetLength(100);
            }
            Assert.Throws<EndOfStreamException>(() => TsmFileVerifier.Verify(file, CancellationToken.None));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void ReadKeys(byte[] bytes)
    {
        using var index = TsmFile.FromMemory(bytes, "made.tsm").ReadIndex();
        while (index.ReadKey())
        {
            while (index.ReadEntry(out _))
            {
            }
        }
    }
}
