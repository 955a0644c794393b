using InfluxBackup.Metadata;

namespace InfluxBackup.Tests.Metadata;

public class ShardTimeTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("-1", -1)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("1500000000000000001", 1_500_000_000_000_000_001)]
    [InlineData("2017-07-14T02:40:00Z", 1_500_000_000_000_000_000)]
    [InlineData("2017-07-14T02:40:00.000000001Z", 1_500_000_000_000_000_001)]
    [InlineData("2017-07-14T02:40:00.1Z", 1_500_000_000_100_000_000)]
    [InlineData("2017-07-14T02:40:00.123456789Z", 1_500_000_000_123_456_789)]
    [InlineData("2017-07-14T02:40:00.999999999+00:00", 1_500_000_000_999_999_999)]
    [InlineData("2017-07-14T04:40:00.000000005+02:00", 1_500_000_000_000_000_005)]
    [InlineData("2017-07-14T02:40:00", 1_500_000_000_000_000_000)]
    [InlineData("2017-07-14 02:40:00", 1_500_000_000_000_000_000)]
    [InlineData("2017-07-14T02:40Z", 1_500_000_000_000_000_000)]
    [InlineData("2017-07-14 04:40:00 +02:00", 1_500_000_000_000_000_000)]
    [InlineData("2017-07-14", 1_499_990_400_000_000_000)]
    [InlineData("1970-01-01T00:00:00Z", 0)]
    [InlineData("1969-12-31T23:59:59.999999999Z", -1)]
    [InlineData("1677-09-21T00:12:43.145224194Z", long.MinValue + 2)]
    [InlineData("2262-04-11T23:47:16.854775806Z", long.MaxValue - 1)]
    [InlineData("0001-01-01", long.MinValue)]
    [InlineData("9999-12-31", long.MaxValue)]
    public void A_time_is_read_to_the_nanosecond(string text, long expected)
    {
        Assert.True(ShardTime.TryParse(text, out var nanoseconds));
        Assert.Equal(expected, nanoseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("2017-07-14T02:40:00.Z")]
    [InlineData("2017-07-14T02:40:00.1234567891Z")]
    [InlineData("2017-13-14")]
    [InlineData("2017-07-14T25:00:00Z")]
    [InlineData("9223372036854775808")]
    [InlineData("1.5")]
    [InlineData("1e9")]
    [InlineData("5m")]
    [InlineData("12:30")]
    [InlineData("12:30:00.5")]
    [InlineData("July")]
    [InlineData("01/02/2026")]
    [InlineData("2026-01-02T12")]
    public void What_is_no_time_is_refused(string text) => Assert.False(ShardTime.TryParse(text, out _));
}
