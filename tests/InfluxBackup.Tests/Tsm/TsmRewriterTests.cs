using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

/// <summary>A rewritten file holds what a reader who takes the deletes away one by one would see.</summary>
public class TsmRewriterTests
{
    private static readonly TsmBlockType[] Types = Enum.GetValues<TsmBlockType>();

    private sealed record Deletion(string Key, TimeRange Range);

    private static string Key(TsmBlockType type) => $"m,t={(byte)type}#!~#{type}";

    /// <summary>A key of each type, with these times in each block.</summary>
    private static byte[] MakeFile(IEnumerable<long[]> blocks)
    {
        using var stream = new MemoryStream();
        using var writer = new TsmWriter(stream);
        var encoder = new TsmBlockEncoder();
        var all = blocks.ToList();
        foreach (var type in Types)
        {
            writer.BeginKey(Encoding.ASCII.GetBytes(Key(type)), type);
            foreach (var times in all)
            {
                var block = new ArrayBufferWriter<byte>();
                switch (type)
                {
                    case TsmBlockType.Float:
                        encoder.Encode(times, [.. times.Select(t => t * 0.37)], block);
                        break;
                    case TsmBlockType.Integer:
                        encoder.Encode(times, [.. times.Select(t => t * t)], block);
                        break;
                    case TsmBlockType.Unsigned:
                        encoder.Encode(times, [.. times.Select(t => ulong.MaxValue - (ulong)t)], block);
                        break;
                    case TsmBlockType.Boolean:
                        encoder.Encode(times, [.. times.Select(t => t % 3 == 0)], block);
                        break;
                    default:
                        var text = Encoding.UTF8.GetBytes(string.Concat(times.Select(t => $"{t & 7:d1}ä")));
                        encoder.Encode(times, [.. times.Select((_, i) => (i * 3)..((i * 3) + 3))], text, block);
                        break;
                }
                writer.WriteBlock(times[0], times[^1], block.WrittenSpan);
            }
        }
        writer.Complete();
        return stream.ToArray();
    }

    private static string Value(TsmPoints points, int i) => points.Type switch
    {
        TsmBlockType.Float => $"{BitConverter.DoubleToInt64Bits(points.Floats[i]):x}",
        TsmBlockType.Integer => $"{points.Integers[i]}i",
        TsmBlockType.Unsigned => $"{points.Unsigneds[i]}u",
        TsmBlockType.Boolean => $"{points.Booleans[i]}",
        _ => $"\"{Convert.ToHexString(points.String(i))}\"",
    };

    private static List<(string Key, long Time, string Value)> Points(byte[] bytes)
    {
        var all = new List<(string, long, string)>();
        using var file = TsmFile.FromMemory(bytes, "made");
        using var index = file.ReadIndex();
        using var points = new TsmPoints();
        while (index.ReadKey())
        {
            var key = Encoding.Latin1.GetString(index.Key);
            while (index.ReadEntry(out var entry))
            {
                points.Decode(bytes.AsSpan((int)entry.BlockOffset, (int)entry.BlockSize));
                for (var i = 0; i < points.Count; i++)
                {
                    all.Add((key, points.Times[i], Value(points, i)));
                }
            }
        }
        return all;
    }

    private static (byte[] Bytes, TsmRewriteReport Report) Rewrite(byte[] bytes, TombstoneRanges deletes)
    {
        using var result = new MemoryStream();
        using var file = TsmFile.FromMemory(bytes, "made");
        var report = TsmRewriter.Rewrite(file, deletes, result, null, TestContext.Current.CancellationToken);
        return (result.ToArray(), report);
    }

    private static TombstoneRanges Collect(IEnumerable<Deletion> deletions)
    {
        var collector = new TombstoneCollector();
        foreach (var deletion in deletions)
        {
            collector.Add(Encoding.Latin1.GetBytes(deletion.Key), deletion.Range);
        }
        return collector.Conclude();
    }

    private static void AssertRewritten(byte[] bytes, IReadOnlyList<Deletion> deletions)
    {
        var before = Points(bytes);
        var expected = before.Where(p => !deletions.Any(d => d.Key == p.Key && d.Range.Contains(p.Time))).ToList();
        var (rewritten, report) = Rewrite(bytes, Collect(deletions));
        Assert.Equal(expected.Count == 0, report.IsEmpty);
        if (report.IsEmpty)
        {
            Assert.Empty(rewritten);
            return;
        }
        using var file = TsmFile.FromMemory(rewritten, "rewritten");
        var verified = TsmFileVerifier.Verify(file, TestContext.Current.CancellationToken);
        Assert.Empty(verified.Problems);
        Assert.Equal(report.Copied + report.Cut, verified.Blocks);
        Assert.Equal(expected, Points(rewritten));
        if (expected.Count == before.Count)
        {
            Assert.Equal(bytes, rewritten);
        }
    }

    [Fact]
    public void Any_file_without_any_deletes_holds_what_is_left_and_nothing_else()
    {
        var blocks = from count in Gen.Choose(1, 4)
                     from sizes in Gen.Choose(1, 12).ArrayOf(count)
                     from steps in Gen.Choose(1, 5).ArrayOf(sizes.Sum())
                     select Split(sizes, steps);
        var end = Gen.Frequency((20, Gen.Choose(-3, 130).Select(i => (long)i)), (1, Gen.Elements(long.MinValue, long.MaxValue)));
        var deletion = from type in Gen.Elements(Types) from a in end from b in end select new Deletion(Key(type), new TimeRange(Math.Min(a, b), Math.Max(a, b)));
        var foreign = end.Select(t => new Deletion("m,t=9#!~#none", new TimeRange(t, t)));
        var cases = from b in blocks from d in Gen.Frequency((9, deletion), (1, foreign)).ListOf() select (Blocks: b, Deletions: d.ToList());
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(cases.ToArbitrary(), c => AssertRewritten(MakeFile(c.Blocks), c.Deletions)));
    }

    private static List<long[]> Split(int[] sizes, int[] steps)
    {
        var (blocks, time, at) = (new List<long[]>(), 0L, 0);
        foreach (var size in sizes)
        {
            blocks.Add([.. Enumerable.Range(0, size).Select(_ => time += steps[at++])]);
        }
        return blocks;
    }

    [Fact]
    public void Deletes_of_real_servers_are_applied_to_their_files()
    {
        var rewritten = 0;
        foreach (var archive in GoldenTsmTests.Archives.Select(row => Path.Combine(GoldenFiles.Root, row.Data)))
        {
            var files = GoldenFiles.Unpack(archive).ToDictionary(f => f.Name, f => f.Bytes);
            foreach (var (name, bytes) in files.Where(f => f.Key.EndsWith(".tombstone", StringComparison.Ordinal)))
            {
                var deletions = new List<Deletion>();
                using var tombstones = TombstoneFile.Open(new MemoryStream(bytes), name);
                while (tombstones.Read())
                {
                    deletions.Add(new Deletion(Encoding.Latin1.GetString(tombstones.Key), new TimeRange(tombstones.MinTime, tombstones.MaxTime)));
                }
                var source = files[Path.ChangeExtension(name, ".tsm")];
                AssertRewritten(source, deletions);
                Assert.True(deletions.Count > 0);
                rewritten++;
            }
        }
        Assert.True(rewritten >= 6);
    }

    [Fact]
    public void A_file_all_of_whose_points_are_deleted_is_not_written_at_all()
    {
        var (bytes, report) = Rewrite(MakeFile([[1, 2, 3], [7, 9]]), Collect(Types.Select(t => new Deletion(Key(t), new TimeRange(1, 9)))));
        Assert.Empty(bytes);
        Assert.Equal(new TsmRewriteReport(0, 0, 10), report);
    }

    [Fact]
    public void Only_blocks_that_hold_deleted_points_are_packed_again()
    {
        var (_, report) = Rewrite(MakeFile([[1, 2, 3], [10, 20], [30, 40]]), Collect(Types.Select(t => new Deletion(Key(t), new TimeRange(3, 19)))));
        Assert.Equal(new TsmRewriteReport(Copied: 5, Cut: 10, LeftOut: 0), report);
        // 25 to 35 lies over the second block's end and touches no point of it.
        (_, report) = Rewrite(MakeFile([[1, 2, 3], [10, 40]]), Collect(Types.Select(t => new Deletion(Key(t), new TimeRange(25, 35)))));
        Assert.Equal(new TsmRewriteReport(Copied: 10, Cut: 0, LeftOut: 0), report);
    }

    [Fact]
    public void A_flipped_bit_in_what_is_left_is_never_copied()
    {
        var bytes = MakeFile([[1, 2, 3], [10, 20], [30, 40]]);
        var deletes = Collect(Types.Select(t => new Deletion(Key(t), new TimeRange(3, 19))));
        using var file = TsmFile.FromMemory(bytes, "made");
        using var index = file.ReadIndex();
        for (var bit = TsmFormat.HeaderSize * 8; bit < index.Start * 8; bit++)
        {
            var damaged = (byte[])bytes.Clone();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<TsmFormatException>(() => Rewrite(damaged, deletes));
        }
    }

    [Fact]
    public void Damage_anywhere_is_a_clear_error_or_does_no_harm()
    {
        var sources = new[] { MakeFile([[1, 2, 3], [10, 20]]), GoldenFiles.Smallest, GoldenFiles.Types };
        var damage = from source in Gen.Elements(sources)
                     from count in Gen.Choose(1, 4)
                     from at in Gen.Choose(0, source.Length - 1).ArrayOf(count)
                     from value in Gen.Choose(0, 255).ArrayOf(count)
                     from cut in Gen.Frequency((4, Gen.Constant(source.Length)), (1, Gen.Choose(0, source.Length)))
                     select (Source: source, At: at, Value: value, Cut: cut);
        var deletes = Collect([.. Types.Select(t => new Deletion(Key(t), new TimeRange(2, 10))), new Deletion("m#!~#f", TimeRange.Everything)]);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(damage.ToArbitrary(), d =>
        {
            var bytes = (byte[])d.Source.Clone();
            foreach (var (at, value) in d.At.Zip(d.Value))
            {
                bytes[at] = (byte)value;
            }
            try
            {
                Rewrite(bytes[..d.Cut], deletes);
            }
            catch (TsmFormatException)
            {
                // What it is for.
            }
        }));
    }
}
