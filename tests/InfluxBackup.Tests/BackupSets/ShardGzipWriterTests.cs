using System.IO.Compression;
using FsCheck;
using FsCheck.Fluent;
using ICSharpCode.SharpZipLib.GZip;
using InfluxBackup.BackupSets;

namespace InfluxBackup.Tests.BackupSets;

/// <summary>What is compressed here is unpacked by everybody, whatever mix of stretches it has.</summary>
public sealed class ShardGzipWriterTests
{
    private static byte[] Pack(CompressionLevel level, params byte[][] pieces)
    {
        var output = new MemoryStream();
        using (var writer = new ShardGzipWriter(output, level))
        {
            foreach (var piece in pieces)
            {
                writer.Write(piece);
            }

            writer.Complete();
        }

        return output.ToArray();
    }

    private static byte[] Unpack(Stream unpacking)
    {
        using (unpacking)
        {
            var content = new MemoryStream();
            unpacking.CopyTo(content);
            return content.ToArray();
        }
    }

    private static byte[] Piece(int kind, int size)
    {
        var piece = new byte[size];
        var random = new Random((kind * 1_000_003) + size);
        switch (kind)
        {
            case 0: // Compresses well.
                piece.AsSpan().Fill((byte)size);
                break;
            case 1: // Does not compress.
                random.NextBytes(piece);
                break;
            case 2: // Half and half.
                random.NextBytes(piece.AsSpan(size / 2));
                break;
            default: // A few bits in each byte.
                random.NextBytes(piece);
                piece.AsSpan().Replace((byte)0, (byte)1);
                for (var i = 0; i < size; i++)
                {
                    piece[i] &= 0x0f;
                }

                break;
        }

        return piece;
    }

    private static bool EverybodyUnpacks(CompressionLevel level, byte[][] pieces)
    {
        var content = pieces.SelectMany(p => p).ToArray();
        var packed = Pack(level, pieces);
        return content.AsSpan().SequenceEqual(Unpack(new GZipStream(new MemoryStream(packed), CompressionMode.Decompress)))
            && content.AsSpan().SequenceEqual(Unpack(new GZipInputStream(new MemoryStream(packed))));
    }

    [Fact]
    public void Every_mix_of_pieces_is_unpacked_as_it_was_at_every_level()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(150), Prop.ForAll(
            (from level in Gen.Elements(CompressionLevel.Fastest, CompressionLevel.Fastest, CompressionLevel.NoCompression, CompressionLevel.Optimal, CompressionLevel.SmallestSize)
             from pieces in Gen.Zip(Gen.Choose(0, 3), Gen.OneOf(Gen.Choose(0, 20), Gen.Choose(1000, 20_000), Gen.Choose(65_530, 65_540), Gen.Elements(131_070, 262_144))).ListOf()
             select (level, pieces)).ToArbitrary(),
            x => EverybodyUnpacks(x.level, x.pieces.Select(p => Piece(p.Item1, p.Item2)).ToArray())));
    }

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Fastest)]
    [InlineData(CompressionLevel.Optimal)]
    public void Nothing_at_all_is_packed_too(CompressionLevel level)
    {
        Assert.True(EverybodyUnpacks(level, []));
        Assert.True(EverybodyUnpacks(level, [[]]));
    }

    [Fact]
    public void What_compresses_gets_smaller_and_what_does_not_hardly_grows()
    {
        Assert.InRange(Pack(CompressionLevel.Fastest, Piece(0, 262_144)).Length, 0, 5000);
        Assert.InRange(Pack(CompressionLevel.Fastest, Piece(1, 262_144)).Length, 262_144, 262_144 + 100);
    }

    [Fact]
    public void What_was_not_completed_is_not_whole()
    {
        var output = new MemoryStream();
        using (var writer = new ShardGzipWriter(output, CompressionLevel.Optimal))
        {
            writer.Write(Piece(0, 100_000));
        }

        Assert.ThrowsAny<ICSharpCode.SharpZipLib.SharpZipBaseException>(() => Unpack(new GZipInputStream(new MemoryStream(output.ToArray()))));
    }
}
