using InfluxBackup.Operations.Staging;

namespace InfluxBackup.Tests.Operations.Staging;

public sealed class StagingAreaTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1 << 20)]
    public void What_was_written_is_read_again_from_memory_or_from_a_file(long memory)
    {
        var bytes = new byte[300_000];
        new Random(5).NextBytes(bytes);
        using var staged = new StagingArea(memory).Begin("made", bytes.Length);
        for (var at = 0; at < bytes.Length; at += 1000)
        {
            staged.Write(bytes.AsSpan(at, 1000));
        }

        var copy = new MemoryStream();
        using (var stream = staged.OpenStream())
        {
            stream.CopyTo(copy);
        }

        Assert.Equal(bytes, copy.ToArray());
        using var tsm = staged.OpenTsm();
        var read = new byte[1000];
        tsm.Read(123_456, read);
        Assert.Equal(bytes[123_456..124_456], read);
        Assert.Equal(bytes.Length, tsm.Length);
    }

    [Fact]
    public void A_file_larger_than_what_memory_is_left_does_not_take_the_others_room()
    {
        var area = new StagingArea(1000);
        using var large = area.Begin("large", long.MaxValue);
        using var first = area.Begin("first", 900);
        using (var second = area.Begin("second", 200))
        {
            second.Write(new byte[200]);
        }

        first.Write(new byte[900]);
        first.Dispose();
        first.Dispose();
        using var third = area.Begin("third", 1000);
        third.Write(new byte[1000]);
        Assert.Equal(1000, third.Length);
    }

    /// <summary>Nothing can be left by a process that is killed: there is no name to be left.</summary>
    [Fact]
    public void A_temporary_file_has_no_name_while_it_is_in_use()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows deletes the file when its handle is closed.");
        var before = Directory.GetFiles(Path.GetTempPath(), "influxbackup-*.staged");
        using var staged = new StagingArea(0).Begin("made", 10);
        staged.Write(new byte[10]);
        Assert.Equal(before, Directory.GetFiles(Path.GetTempPath(), "influxbackup-*.staged"));
    }
}
