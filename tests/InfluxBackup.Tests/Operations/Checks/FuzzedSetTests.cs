using System.IO.Compression;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.BackupSets;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm;
using TestResult = InfluxBackup.Operations.TestResult;

namespace InfluxBackup.Tests.Operations.Checks;

/// <summary>
/// Whatever happens to the bytes of a backup: a test neither crashes nor hangs, and no changed value passes. Archives of real servers are
/// used, whole, with a shard of several files and one with tombstones.
/// </summary>
public sealed class FuzzedSetTests : IDisposable
{
    private static readonly Config Config = Config.QuickThrowOnFailure.WithMaxTest(150);

    private readonly TestedSet set = new();

    public void Dispose() => set.Dispose();

    [Theory]
    [InlineData("*.s16.tar.gz")]
    [InlineData("*.s1.tar.gz")]
    public void A_flipped_bit_in_an_archive_without_hashes_is_found_or_changes_nothing_that_is_in_it(string pattern)
    {
        var (directory, archive) = CopyOf(pattern);
        var sound = File.ReadAllBytes(archive);
        var content = Unpack(sound);
        Check.One(Config, Prop.ForAll(Gen.Choose(0, (sound.Length * 8) - 1).ToArbitrary(), bit =>
        {
            var changed = Flip(sound, bit);
            File.WriteAllBytes(archive, changed);
            return !Test(directory).IsSound || Unpack(changed).SequenceEqual(content);
        }));
    }

    [Fact]
    public async Task A_flipped_bit_in_an_archive_with_hashes_is_always_found_also_by_a_quick_test()
    {
        await set.MakeAsync((7, TestedSet.Sound(7)));
        var archive = Directory.GetFiles(set.Path, "*.tar.gz").Single();
        var sound = File.ReadAllBytes(archive);
        for (var bit = 0; bit < sound.Length * 8; bit += 7)
        {
            File.WriteAllBytes(archive, Flip(sound, bit));
            Assert.False(Test(set.Path).IsSound, $"bit {bit}");
            Assert.False(Test(set.Path, quick: true).IsSound, $"bit {bit}, quick");
        }
    }

    [Fact]
    public async Task A_cut_anywhere_in_any_file_is_found()
    {
        await set.MakeAsync((7, TestedSet.Sound(7)));
        foreach (var file in Directory.GetFiles(set.Path).Where(f => !Path.GetFileName(f).StartsWith('.')))
        {
            var sound = File.ReadAllBytes(file);
            for (var length = 0; length < sound.Length; length += 1 + (sound.Length / 97))
            {
                File.WriteAllBytes(file, sound[..length]);
                Assert.False(Test(set.Path).IsSound, $"{Path.GetFileName(file)}, {length} bytes");
                Assert.False(Test(set.Path, quick: true).IsSound, $"{Path.GetFileName(file)}, {length} bytes, quick");
            }

            File.WriteAllBytes(file, sound);
        }

        Assert.Empty(Test(set.Path).Findings);
    }

    /// <summary>The gzip around it is made anew: what is tested is what tar, TSM and tombstones themselves can tell.</summary>
    [Theory]
    [InlineData("*.s16.tar.gz")]
    [InlineData("*.s1.tar.gz")]
    [InlineData("*.s4.tar.gz")]
    public void A_flipped_bit_below_the_compression_is_found_unless_it_is_in_the_name_of_a_key_or_in_nothing(string pattern)
    {
        var (directory, archive) = CopyOf(pattern);
        var sound = Unpack(File.ReadAllBytes(archive));
        var free = FreeBytes(sound);
        Check.One(Config, Prop.ForAll(Gen.Choose(0, (sound.Length * 8) - 1).ToArbitrary(), bit =>
        {
            File.WriteAllBytes(archive, Pack(Flip(sound, bit)));
            return !Test(directory).IsSound || free[bit / 8];
        }));
    }

    [Theory]
    [InlineData("*.s16.tar.gz")]
    [InlineData("*.s1.tar.gz")]
    public void A_cut_below_the_compression_is_found_and_garbage_never_crashes(string pattern)
    {
        var (directory, archive) = CopyOf(pattern);
        var sound = Unpack(File.ReadAllBytes(archive));
        Check.One(Config, Prop.ForAll(
            (from at in Gen.Choose(0, sound.Length - 1)
             from garbage in ArbMap.Default.GeneratorFor<byte>().ArrayOf()
             select (at, garbage)).ToArbitrary(),
            x =>
            {
                File.WriteAllBytes(archive, Pack(sound[..x.at]));
                var cutIsFound = !Test(directory).IsSound;
                var changed = (byte[])sound.Clone();
                x.garbage.AsSpan(0, Math.Min(x.garbage.Length, sound.Length - x.at)).CopyTo(changed.AsSpan(x.at));
                File.WriteAllBytes(archive, Pack(changed));
                Test(directory);
                Test(directory, quick: true);
                return cutIsFound;
            }));
    }

    [Fact]
    public void Random_changes_of_manifest_and_metadata_never_crash()
    {
        var (directory, _) = CopyOf("*.s16.tar.gz");
        foreach (var file in Directory.GetFiles(directory, "*.me*").Concat(Directory.GetFiles(directory, "*.manifest")))
        {
            var sound = File.ReadAllBytes(file);
            Check.One(Config, Prop.ForAll(Gen.Choose(0, (sound.Length * 8) - 1).ToArbitrary(), bit =>
            {
                File.WriteAllBytes(file, Flip(sound, bit));
                Test(directory, quick: true);
            }));
            File.WriteAllBytes(file, sound);
        }
    }

    /// <summary>A set with the manifest and metadata of a real one, and one of its archives.</summary>
    private (string Directory, string Archive) CopyOf(string pattern)
    {
        var golden = TestData.Golden("1.6.7-inmem");
        var archive = Directory.GetFiles(golden, pattern).Single();
        var manifest = Directory.GetFiles(golden, "*.manifest").Single();
        var read = ManifestFile.Read(manifest);
        read = read with { Limited = true, Files = read.Files!.Where(f => f.FileName == Path.GetFileName(archive)).ToList() };
        File.WriteAllBytes(set[Path.GetFileName(manifest)], ManifestFile.ToBytes(read));
        File.Copy(Directory.GetFiles(golden, "*.meta").Single(), set[read.Meta.FileName]);
        File.Copy(archive, set[Path.GetFileName(archive)]);
        Assert.Empty(Test(set.Path).Findings);
        return (set.Path, set[Path.GetFileName(archive)]);
    }

    private static TestResult Test(string path, bool quick = false) => TestedSet.TestAsync(path, o => o with { Quick = quick }).GetAwaiter().GetResult();

    private static byte[] Flip(byte[] bytes, int bit)
    {
        var changed = (byte[])bytes.Clone();
        changed[bit / 8] ^= (byte)(1 << (bit % 8));
        return changed;
    }

    /// <summary>What is in all gzip members together, as far as it can be unpacked.</summary>
    private static byte[] Unpack(byte[] bytes)
    {
        var content = new MemoryStream();
        using var gzip = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress);
        try
        {
            gzip.CopyTo(content);
        }
        catch (InvalidDataException)
        {
            // As far as it goes.
        }

        return content.ToArray();
    }

    private static byte[] Pack(byte[] bytes)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return packed.ToArray();
    }

    /// <summary>Bytes that mean nothing, or that nothing vouches for: padding of the tar, keys in indexes, and the parts of gzip headers in tombstones that mean nothing.</summary>
    private static bool[] FreeBytes(byte[] tar)
    {
        var visitor = new FreeBytesVisitor(tar);
        var scanner = new TarScanner(visitor, "the test");
        visitor.Position = () => scanner.Position;
        scanner.Append(tar);
        return visitor.Free;
    }

    private sealed class FreeBytesVisitor(byte[] tar) : ITarVisitor
    {
        /// <summary>The octal digits of a header's checksum are followed by two bytes that end it.</summary>
        private const int ChecksumEnd = 154;

        private string name = "";
        private int size;
        private int start;

        public bool[] Free { get; } = new bool[tar.Length];

        public Func<long> Position { get; set; } = () => 0;

        public void Begin(string name, long size, DateTime modified)
        {
            (this.name, this.size) = (name, (int)size);
            // Its header has just been read.
            start = (int)(Position() - (Position() % TarScanner.BlockSize)) + TarScanner.BlockSize;
            Free.AsSpan(start - TarScanner.BlockSize + ChecksumEnd, 2).Fill(true);
        }

        public void Data(ReadOnlySpan<byte> data)
        {
        }

        public void End()
        {
            for (var i = start + size; i % TarScanner.BlockSize != 0; i++)
            {
                Free[i] = true;
            }

            var content = tar.AsMemory(start, size);
            if (ShardFileName.IsTombstone(name))
            {
                MarkGzipHeaders(content.Span);
                return;
            }

            using var file = TsmFile.FromMemory(content, name);
            using var index = file.ReadIndex();
            while (index.ReadKey())
            {
                Free.AsSpan(start + (int)index.KeyOffset + TsmFormat.KeyLengthSize, index.Key.Length).Fill(true);
            }
        }

        /// <summary>Time, extra flags and operating system of each member's header.</summary>
        private void MarkGzipHeaders(ReadOnlySpan<byte> tombstone)
        {
            for (var i = 0; i < tombstone.Length - 10; i++)
            {
                if (tombstone[i..].StartsWith<byte>([0x1f, 0x8b, 8, 0]))
                {
                    Free.AsSpan(start + i + 4, 6).Fill(true);
                }
            }
        }
    }
}
