using System.Buffers.Binary;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

/// <summary>Whatever happens to the bytes: no crash, no endless loop, and damage is found.</summary>
public class DamageTests
{
    private static readonly Config Config = Config.QuickThrowOnFailure.WithMaxTest(1500);

    private static TsmFileReport Verify(byte[] bytes, TsmVerifyOptions? options = null) =>
        TsmFileVerifier.Verify(TsmFile.FromMemory(bytes, "damaged"), options ?? TsmVerifyOptions.Default, CancellationToken.None);

    /// <summary>Positions of key bytes: the one place where a file can be changed into another sound one.</summary>
    private static HashSet<long> KeyBytes(byte[] bytes)
    {
        var positions = new HashSet<long>();
        using var index = TsmFile.FromMemory(bytes, "sound").ReadIndex();
        while (index.ReadKey())
        {
            for (var i = 0; i < index.Key.Length; i++)
            {
                positions.Add(index.KeyOffset + TsmFormat.KeyLengthSize + i);
            }
        }
        return positions;
    }

    [Fact]
    public void Every_single_flipped_bit_outside_of_a_key_is_found()
    {
        var sound = GoldenFiles.Smallest;
        var keys = KeyBytes(sound);
        for (var bit = 0; bit < sound.Length * 8; bit++)
        {
            var bytes = (byte[])sound.Clone();
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            var report = Verify(bytes);
            Assert.True(!report.IsSound || keys.Contains(bit / 8), $"bit {bit % 8} of byte {bit / 8}");
        }
    }

    [Fact]
    public void Every_truncation_is_found()
    {
        var sound = GoldenFiles.Smallest;
        for (var length = 0; length < sound.Length; length++)
        {
            Assert.False(Verify(sound[..length]).IsSound, $"{length} bytes");
        }
    }

    [Fact]
    public void A_flipped_bit_anywhere_in_a_large_file_is_found()
    {
        foreach (var sound in new[] { GoldenFiles.Blocks, GoldenFiles.Types })
        {
            var keys = KeyBytes(sound);
            Check.One(Config, Prop.ForAll(Gen.Choose(0, sound.Length * 8 - 1).ToArbitrary(), bit =>
            {
                var bytes = (byte[])sound.Clone();
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
                var report = Verify(bytes);
                Assert.InRange(report.Problems.Count, 0, 20);
                return !report.IsSound || keys.Contains(bit / 8);
            }));
        }
    }

    [Fact]
    public void A_flipped_bit_in_a_block_is_found_without_unpacking()
    {
        var sound = GoldenFiles.Blocks;
        using var index = TsmFile.FromMemory(sound, "sound").ReadIndex();
        Check.One(Config, Prop.ForAll(Gen.Choose(TsmFormat.HeaderSize * 8, (int)index.Start * 8 - 1).ToArbitrary(), bit =>
        {
            var bytes = (byte[])sound.Clone();
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            return Verify(bytes, TsmVerifyOptions.ChecksumsOnly).Problems.Single().Check == "BlockChecksum";
        }));
    }

    [Fact]
    public void A_truncation_anywhere_is_found()
    {
        var sound = GoldenFiles.Blocks;
        Check.One(Config, Prop.ForAll(Gen.Choose(0, sound.Length - 1).ToArbitrary(), length => !Verify(sound[..length]).IsSound));
    }

    [Fact]
    public void Random_bytes_in_the_index_never_crash_the_checks()
    {
        var sound = GoldenFiles.Types;
        var start = (int)BinaryPrimitives.ReadUInt64BigEndian(sound.AsSpan(sound.Length - 8));
        Check.One(Config, Prop.ForAll(
            (from at in Gen.Choose(start, sound.Length - 1)
             from garbage in ArbMap.Default.GeneratorFor<byte>().ArrayOf()
             select (at, garbage)).ToArbitrary(),
            x =>
            {
                var bytes = (byte[])sound.Clone();
                x.garbage.AsSpan(0, Math.Min(x.garbage.Length, bytes.Length - x.at)).CopyTo(bytes.AsSpan(x.at));
                Verify(bytes);
                Verify(bytes, TsmVerifyOptions.ChecksumsOnly);
                ReadStrictly(bytes);
            }));
    }

    [Fact]
    public void Damaged_blocks_with_good_checksums_never_crash_the_codecs()
    {
        foreach (var sound in new[] { GoldenFiles.Types, GoldenFiles.Blocks })
        {
            var entries = Entries(sound);
            Check.One(Config, Prop.ForAll(
                (from entry in Gen.Elements<TsmIndexEntry>(entries)
                 from at in Gen.Choose(0, (int)Math.Min(entry.BlockSize, 40) - 1)
                 from value in ArbMap.Default.GeneratorFor<byte>()
                 select (entry, at, value)).ToArbitrary(),
                x =>
                {
                    var bytes = (byte[])sound.Clone();
                    var block = bytes.AsSpan((int)x.entry.BlockOffset, (int)x.entry.BlockSize);
                    block[x.at] = x.value;
                    TsmEncoder.Crc(block).CopyTo(bytes, (int)x.entry.Offset);
                    Assert.DoesNotContain(Verify(bytes).Problems, p => p.Check == "BlockChecksum");
                }));
        }
    }

    [Fact]
    public void A_file_full_of_damage_reports_so_much_and_says_that_there_is_more()
    {
        var bytes = (byte[])GoldenFiles.Types.Clone();
        foreach (var entry in Entries(bytes))
        {
            bytes[entry.Offset] ^= 1;
        }
        var report = Verify(bytes);
        Assert.Equal(20, report.Problems.Count);
        Assert.True(report.HasMoreProblems);
        Assert.Equal(3, Verify(bytes, new TsmVerifyOptions { MaxProblems = 3 }).Problems.Count);
    }

    private static TsmIndexEntry[] Entries(byte[] bytes)
    {
        var entries = new List<TsmIndexEntry>();
        using var index = TsmFile.FromMemory(bytes, "sound").ReadIndex();
        while (index.ReadKey())
        {
            while (index.ReadEntry(out var entry))
            {
                entries.Add(entry);
            }
        }
        return [.. entries];
    }

    private static void ReadStrictly(byte[] bytes)
    {
        try
        {
            Entries(bytes);
        }
        catch (TsmFormatException)
        {
            // What damaged bytes are allowed to be.
        }
    }
}
