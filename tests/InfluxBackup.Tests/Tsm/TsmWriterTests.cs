using System.Text;
using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

public class TsmWriterTests
{
    private static readonly byte[] OnePoint = TsmEncoder.Block(0, TsmEncoder.PackedTimes(12, 1_500_000_000_000_000_000), TsmEncoder.Floats(1.0));

    private static byte[] Write(Action<TsmWriter> write)
    {
        using var stream = new MemoryStream();
        using var writer = new TsmWriter(stream);
        write(writer);
        writer.Complete();
        Assert.Equal(writer.Length, stream.Length);
        return stream.ToArray();
    }

    private static byte[] Block(byte type, params long[] times) =>
        TsmEncoder.Block(type, TsmEncoder.RawTimes(times), TsmEncoder.Booleans([.. times.Select(t => t % 2 == 0)]));

    [Fact]
    public void The_example_of_the_reference_is_written_byte_for_byte()
    {
        var bytes = Write(writer =>
        {
            writer.BeginKey("m#!~#f"u8, TsmBlockType.Float);
            writer.WriteBlock(1_500_000_000_000_000_000, 1_500_000_000_000_000_000, OnePoint);
        });
        Assert.Equal(
            "16D116D1015ECE430400091C14D1120D7B160000103FF0000000000000C3FC008000000000001000066D23217E2366000001" +
            "14D1120D7B16000014D1120D7B1600000000000000000005000000220000000000000027", Convert.ToHexString(bytes));
    }

    [Fact]
    public void Every_golden_file_is_copied_byte_for_byte()
    {
        var files = 0;
        var archives = GoldenTsmTests.Archives.Select(row => Path.Combine(GoldenFiles.Root, row.Data));
        foreach (var (name, bytes) in archives.SelectMany(GoldenFiles.Unpack).Where(f => f.Name.EndsWith(".tsm", StringComparison.Ordinal)))
        {
            using var source = TsmFile.FromMemory(bytes, name);
            using var index = source.ReadIndex();
            var copy = Write(writer =>
            {
                while (index.ReadKey())
                {
                    writer.BeginKey(index.Key, index.Type);
                    while (index.ReadEntry(out var entry))
                    {
                        writer.WriteBlock(entry.MinTime, entry.MaxTime, bytes.AsSpan((int)entry.BlockOffset, (int)entry.BlockSize));
                    }
                }
            });
            Assert.Equal(bytes, copy);
            files++;
        }
        Assert.True(files > 20);
    }

    [Fact]
    public void Nothing_is_written_before_the_first_block_and_a_file_without_blocks_cannot_be_completed()
    {
        using var stream = new MemoryStream();
        using var writer = new TsmWriter(stream);
        writer.BeginKey("a#!~#f"u8, TsmBlockType.Boolean);
        Assert.True(writer.IsEmpty);
        Assert.Throws<InvalidOperationException>(writer.Complete);
        Assert.Equal(0, stream.Length);
    }

    [Fact]
    public void A_key_without_blocks_does_not_appear()
    {
        var bytes = Write(writer =>
        {
            writer.BeginKey("a#!~#f"u8, TsmBlockType.Boolean);
            writer.BeginKey("b#!~#f"u8, TsmBlockType.Boolean);
            writer.WriteBlock(1, 2, Block(2, 1, 2));
            writer.BeginKey("c#!~#f"u8, TsmBlockType.Boolean);
        });
        using var file = TsmFile.FromMemory(bytes, "written");
        var report = TsmFileVerifier.Verify(file, TestContext.Current.CancellationToken);
        Assert.Empty(report.Problems);
        Assert.Equal(1, report.Keys);
    }

    [Fact]
    public void What_no_server_reads_is_refused()
    {
        using var writer = new TsmWriter(Stream.Null);
        Assert.Throws<InvalidOperationException>(() => writer.WriteBlock(1, 1, Block(2, 1)));
        Assert.Throws<ArgumentException>(() => writer.BeginKey([], TsmBlockType.Float));
        Assert.Throws<ArgumentException>(() => writer.BeginKey(new byte[65_536], TsmBlockType.Float));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.BeginKey("k"u8, (TsmBlockType)5));
        writer.BeginKey("k"u8, TsmBlockType.Boolean);
        Assert.Throws<ArgumentException>(() => writer.BeginKey("k"u8, TsmBlockType.Boolean));
        Assert.Throws<ArgumentException>(() => writer.BeginKey("j"u8, TsmBlockType.Boolean));
        Assert.Throws<ArgumentException>(() => writer.WriteBlock(1, 1, []));
        Assert.Throws<ArgumentException>(() => writer.WriteBlock(1, 1, OnePoint));
        Assert.Throws<ArgumentException>(() => writer.WriteBlock(2, 1, Block(2, 1, 2)));
        writer.WriteBlock(1, 2, Block(2, 1, 2));
        Assert.Throws<ArgumentException>(() => writer.WriteBlock(2, 3, Block(2, 2, 3)));
        writer.WriteBlock(3, 3, Block(2, 3));
        writer.Complete();
        Assert.Throws<InvalidOperationException>(() => writer.BeginKey("l"u8, TsmBlockType.Boolean));
        Assert.Throws<InvalidOperationException>(writer.Complete);
    }

    [Fact]
    public void A_key_has_65535_blocks_and_no_more()
    {
        var block = Block(2, 1);
        var bytes = Write(writer =>
        {
            writer.BeginKey(Encoding.ASCII.GetBytes(new string('k', 65_535)), TsmBlockType.Boolean);
            for (var i = 0; i < 65_535; i++)
            {
                writer.WriteBlock(i, i, block);
            }
            Assert.Throws<InvalidOperationException>(() => writer.WriteBlock(100_000, 100_000, block));
        });
        using var index = TsmFile.FromMemory(bytes, "written").ReadIndex();
        Assert.True(index.ReadKey());
        Assert.Equal(65_535, index.BlockCount);
        Assert.Equal(65_535, index.Key.Length);
    }

    [Fact]
    public void A_large_index_waits_in_a_temporary_file_that_goes_away()
    {
        var directory = Directory.CreateTempSubdirectory("influxbackup-test-");
        try
        {
            var block = Block(2, 1);
            using var small = new MemoryStream();
            using var large = new MemoryStream();
            foreach (var (stream, limit) in new[] { (small, 1000), (large, 1 << 30) })
            {
                using var writer = new TsmWriter(stream, directory.FullName, limit);
                for (var i = 0; i < 5000; i++)
                {
                    writer.BeginKey(Encoding.ASCII.GetBytes($"m,t={i:d5}#!~#f"), TsmBlockType.Boolean);
                    writer.WriteBlock(1, 1, block);
                }
                Assert.Equal(limit == 1000 ? 1 : 0, directory.GetFiles().Length);
                writer.Complete();
                Assert.Equal(5000, writer.Keys);
            }
            Assert.Empty(directory.GetFiles());
            Assert.Equal(large.ToArray(), small.ToArray());
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
