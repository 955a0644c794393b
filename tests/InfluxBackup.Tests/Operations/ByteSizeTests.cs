using InfluxBackup.Operations;

namespace InfluxBackup.Tests.Operations;

public class ByteSizeTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("1", 1)]
    [InlineData("1000", 1000)]
    [InlineData("1b", 1)]
    [InlineData("1KB", 1024)]
    [InlineData("1k", 1024)]
    [InlineData("1 kb", 1024)]
    [InlineData("1.5 MB", 1_572_864)]
    [InlineData("1GB", 1_073_741_824)]
    [InlineData("2g", 2_147_483_648)]
    [InlineData("1TB", 1_099_511_627_776)]
    [InlineData("7.5PB", 8_444_249_301_319_680)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void A_size_is_read_with_or_without_its_unit(string text, long expected)
    {
        Assert.True(ByteSize.TryParse(text, out var bytes));
        Assert.Equal(expected, bytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("GB")]
    [InlineData("-1")]
    [InlineData("1 GB 2")]
    [InlineData("1XB")]
    [InlineData("1KBKB")]
    [InlineData("1,5MB")]
    [InlineData("10000PB")]
    [InlineData("9223372036854775808")]
    [InlineData("1e3")]
    [InlineData("99999999999999999999999999999999999999")]
    public void What_is_no_size_is_refused(string text) => Assert.False(ByteSize.TryParse(text, out _));
}
