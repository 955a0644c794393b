using InfluxBackup.Metadata;

namespace InfluxBackup.Tests.Metadata;

public sealed class PolicyDurationTests
{
    [Theory]
    [InlineData("INF", 0)]
    [InlineData("inf", 0)]
    [InlineData("0", 0)]
    [InlineData("1h", 1)]
    [InlineData("1h30m", 1.5)]
    [InlineData("30d", 720)]
    [InlineData("52w", 8736)]
    [InlineData("7.00:00:00", 168)]
    public void Durations_are_read_as_servers_write_them(string text, double hours)
    {
        Assert.True(PolicyDuration.TryParse(text, out var duration));
        Assert.Equal(hours, duration.TotalHours);
    }

    [Theory]
    [InlineData("")]
    [InlineData("30")]
    [InlineData("d")]
    [InlineData("30 d")]
    [InlineData("-1d")]
    [InlineData("1y")]
    [InlineData("00:00:00")]
    [InlineData("1d\n")]
    public void Anything_else_is_none(string text) => Assert.False(PolicyDuration.TryParse(text, out _));

    [Fact]
    public void A_very_long_one_is_as_long_as_can_be() =>
        Assert.True(PolicyDuration.TryParse("999999999999999999w", out var duration) && duration == TimeSpan.MaxValue);
}
