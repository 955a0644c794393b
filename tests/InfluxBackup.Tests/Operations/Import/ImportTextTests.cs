using System.IO.Compression;
using System.Text;
using InfluxBackup.Operations;
using InfluxBackup.Tests.Transfer;

namespace InfluxBackup.Tests.Operations;

/// <summary>Compressed text is known by its bytes; members add up, and a cut is never taken for the end.</summary>
public sealed class ImportTextTests
{
    private static readonly byte[] Content = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 5000).Select(i => $"m,t={i % 7} f={i} {i}\n")));

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(17)]
    [InlineData(4096)]
    [InlineData(1 << 20)]
    public void Members_one_after_another_are_one_text(int piece)
    {
        byte[] packed = [.. Gzip(Content), .. Gzip([]), .. Gzip("x"u8.ToArray()), .. Gzip(Content)];
        byte[] expected = [.. Content, .. "x"u8, .. Content];

        Assert.Equal(expected, Read(new PieceStream(packed, piece)));
        Assert.Equal(expected, Read(new MemoryStream(packed)));
    }

    [Fact]
    public void Plain_text_comes_as_it_is()
    {
        Assert.Equal(Content, Read(new MemoryStream(Content)));
        Assert.Equal(Content, Read(new PieceStream(Content, 5)));
        Assert.Empty(Read(new MemoryStream()));
        Assert.Equal([0x1f], Read(new PieceStream([0x1f], 1)));
    }

    [Fact]
    public void A_cut_at_any_place_is_found_out_and_nothing_is_made_up()
    {
        byte[] packed = [.. Gzip("first\n"u8.ToArray()), .. Gzip(Content)];
        byte[] whole = [.. "first\n"u8, .. Content];
        var first = Gzip("first\n"u8.ToArray()).Length;
        for (var length = 2; length < packed.Length; length += length < first + 40 || length > packed.Length - 40 ? 1 : 97)
        {
            if (length != first)
            {
                var given = new MemoryStream();
                Assert.ThrowsAny<InvalidDataException>(() => Read(new MemoryStream(packed[..length]), given));
                Assert.Equal(whole[..(int)given.Length], given.ToArray());
            }
        }
    }

    [Fact]
    public void A_changed_byte_is_found_out()
    {
        var packed = Gzip(Content);
        packed[packed.Length / 2] ^= 0x10;
        Assert.ThrowsAny<InvalidDataException>(() => Read(new MemoryStream(packed)));
    }

    private static byte[] Read(Stream raw, MemoryStream? given = null)
    {
        using var text = ImportText.Open(raw);
        var target = given ?? new MemoryStream();
        text.CopyTo(target);
        return target.ToArray();
    }

    private static byte[] Gzip(byte[] text)
    {
        var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Optimal))
        {
            gzip.Write(text);
        }

        return target.ToArray();
    }
}
