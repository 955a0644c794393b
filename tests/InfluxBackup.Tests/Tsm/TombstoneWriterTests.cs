using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

public class TombstoneWriterTests
{
    [Fact]
    public void What_is_written_is_read_back()
    {
        var longest = new byte[TsmFormat.MaxKeyLength];
        Array.Fill(longest, (byte)'x');
        var bytes = new MemoryStream();
        using (var writer = new TombstoneWriter(bytes))
        {
            writer.Write("m,t=a#!~#f"u8, TimeRange.Everything);
            writer.Write("m,t=a#!~#f"u8, new TimeRange(-5, 7));
            writer.Write(longest, new TimeRange(0, 0));
            Assert.Equal(3, writer.Records);
        }

        using var file = TombstoneFile.Open(new MemoryStream(bytes.ToArray()), "test");
        Assert.Equal(4, file.Version);
        foreach (var (length, min, max) in new[] { (10, long.MinValue, long.MaxValue), (10, -5, 7), (longest.Length, 0, 0) })
        {
            Assert.True(file.Read());
            Assert.Equal((length, min, max), (file.Key.Length, file.MinTime, file.MaxTime));
        }
        Assert.False(file.Read());
        Assert.Null(file.Warning);
    }

    [Fact]
    public void A_key_that_no_file_can_hold_is_refused()
    {
        using var writer = new TombstoneWriter(new MemoryStream());
        Assert.Throws<ArgumentException>(() => writer.Write([], TimeRange.Everything));
        Assert.Throws<ArgumentException>(() => writer.Write(new byte[TsmFormat.MaxKeyLength + 1], TimeRange.Everything));
    }
}
