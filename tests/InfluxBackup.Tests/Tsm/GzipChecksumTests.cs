using ICSharpCode.SharpZipLib.Checksum;
using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

public sealed class GzipChecksumTests
{
    [Fact]
    public void Every_length_and_every_split_give_what_the_library_gives()
    {
        var random = new Random(7);
        for (var length = 0; length < 1200; length++)
        {
            var bytes = new byte[length + 3];
            random.NextBytes(bytes);
            var ours = new GzipChecksum();
            var expected = new Crc32();
            var cut = length == 0 ? 0 : random.Next(length);
            ours.Update(new ArraySegment<byte>(bytes, 3, cut));
            ours.Update(new ArraySegment<byte>(bytes, 3 + cut, length - cut));
            expected.Update(new ArraySegment<byte>(bytes, 3, length));
            Assert.Equal((uint)expected.Value, ours.Value);
        }
    }

    [Fact]
    public void The_check_value_of_the_standard_is_right()
    {
        var checksum = new GzipChecksum();
        checksum.Update("123456789"u8.ToArray());
        Assert.Equal(0xCBF43926u, checksum.Value);
    }
}
