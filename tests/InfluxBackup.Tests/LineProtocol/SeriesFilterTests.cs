using System.Text;
using InfluxBackup.LineProtocol;

namespace InfluxBackup.Tests.LineProtocol;

/// <summary>Names are compared as users write them, with wildcards.</summary>
public class SeriesFilterTests
{
    private static bool Includes(string series, string[]? measurements = null, params TagFilter[] tags) =>
        new SeriesFilter(measurements ?? [], tags).Includes(Encoding.UTF8.GetBytes(series));

    [Theory]
    [InlineData("cpu", "cpu", true)]
    [InlineData("cpu", "cpu,host=a", true)]
    [InlineData("cpu", "cpu2", false)]
    [InlineData("CPU", "cpu", false)]
    [InlineData("c*", "cpu,host=a", true)]
    [InlineData("*u", "cpu,host=a", true)]
    [InlineData("c?u", "cpu", true)]
    [InlineData("c?u", "cu", false)]
    [InlineData("?", "ß", true)]
    [InlineData("?", "😀", true)]
    [InlineData("??", "ß", false)]
    [InlineData("*", "", true)]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("a,b c", "a\\,b\\ c,t=1", true)]
    [InlineData("a=b", "a=b,t=1", true)]
    [InlineData("a\\b", "a\\b", true)]
    [InlineData("a\\*", "a*", true)]
    [InlineData("a\\*", "ab", false)]
    [InlineData("a\\?", "a?", true)]
    [InlineData("a\\\\*", "a\\bc", true)]
    [InlineData("*a*b*", "xxaxxbxx", true)]
    [InlineData("*a*b*", "xxbxxaxx", false)]
    [InlineData("*ab", "aab", true)]
    public void A_measurement_matches_its_pattern(string pattern, string series, bool expected) => Assert.Equal(expected, Includes(series, [pattern]));

    [Fact]
    public void One_of_several_measurements_is_enough()
    {
        Assert.True(Includes("b", ["a", "b"]));
        Assert.False(Includes("c", ["a", "b"]));
        Assert.True(Includes("c"));
    }

    [Fact]
    public void Of_one_tag_any_value_may_match_and_of_different_tags_all_must()
    {
        TagFilter host = new("host", ["web*", "db1"]), dc = new("dc", ["eu"]);
        Assert.True(Includes("m,dc=eu,host=web7", null, host, dc));
        Assert.True(Includes("m,dc=eu,host=db1", null, host, dc));
        Assert.False(Includes("m,dc=us,host=db1", null, host, dc));
        Assert.False(Includes("m,dc=eu,host=db2", null, host, dc));
        Assert.False(Includes("m,dc=eu", null, host, dc));
        Assert.False(Includes("n,dc=eu,host=db1", ["m"], host, dc));
    }

    [Fact]
    public void A_series_without_a_tag_has_it_with_an_empty_value()
    {
        Assert.True(Includes("m", null, new TagFilter("host", [""])));
        Assert.True(Includes("m,dc=eu", null, new TagFilter("host", ["*"])));
        Assert.False(Includes("m,host=a", null, new TagFilter("host", [""])));
    }

    [Theory]
    [InlineData("m,k\\,\\ \\=\"y=v\\,\\ \\=\"z", "k, =\"y", "v, =\"z")]
    [InlineData("m,a=b\\=c", "a", "b=c")]
    [InlineData("m,größe=ß\\ 1", "größe", "ß 1")]
    [InlineData("m,a=1,b=\\\\x", "b", "\\\\x")]
    public void Escaped_names_are_what_they_stand_for(string series, string key, string value)
    {
        Assert.True(Includes(series, null, new TagFilter(key, [value.Replace("\\", "\\\\", StringComparison.Ordinal)])));
        Assert.False(Includes(series, null, new TagFilter(key, ["other"])));
    }

    [Fact]
    public void Many_stars_take_no_time()
    {
        var name = new string('a', 20_000);
        Assert.False(Includes(name, [string.Concat(Enumerable.Repeat("*a", 30)) + "b"]));
    }
}
