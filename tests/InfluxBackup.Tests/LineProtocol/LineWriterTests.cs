using System.Text;
using InfluxBackup.LineProtocol;
using InfluxBackup.Tests.Tsm.Merging;
using InfluxBackup.Tsm.Merging;

namespace InfluxBackup.Tests.LineProtocol;

public class LineWriterTests
{
    [Fact]
    public void Each_type_is_printed_as_line_protocol_wants_it() => Assert.Equal(
        """
        m b=true,f=-0,i=-9223372036854775808i,s="q\"b\\",u=18446744073709551615u -9223372036854775806
        m b=false,f=1e+06,i=0i,s="",u=0u 0

        """.ReplaceLineEndings("\n"),
        Print(oneFieldPerLine: false, [
            new("m", "b", [(Smallest, true), (0, false)]),
            new("m", "f", [(Smallest, -0.0), (0, 1_000_000.0)]),
            new("m", "i", [(Smallest, long.MinValue), (0, 0L)]),
            new("m", "s", [(Smallest, "q\"b\\"), (0, "")]),
            new("m", "u", [(Smallest, ulong.MaxValue), (0, 0UL)])]));

    [Fact]
    public void Fields_that_have_no_value_at_a_time_are_not_in_its_line() => Assert.Equal(
        "m a=1 1\nm a=2,b=2 2\nm b=3 3\n",
        Print(oneFieldPerLine: false, [new("m", "a", [(1, 1.0), (2, 2.0)]), new("m", "b", [(2, 2.0), (3, 3.0)])]));

    [Fact]
    public void A_field_a_line_is_one_field_after_the_other() => Assert.Equal(
        "m a=1 1\nm a=2 2\nm b=2 2\nm b=3 3\n",
        Print(oneFieldPerLine: true, [new("m", "a", [(1, 1.0), (2, 2.0)]), new("m", "b", [(2, 2.0), (3, 3.0)])]));

    [Fact]
    public void Field_names_are_escaped_series_stand_as_they_are_stored_and_line_feeds_stay_in_strings() => Assert.Equal(
        "m\\ x,t=\\,\" a\\,\\ \\=\\\"ß\\b=\"two\nlines\" 1\n",
        Print(oneFieldPerLine: false, [new("m\\ x,t=\\,\"", "a, =\"ß\\b", [(1, "two\nlines")])]));

    [Theory]
    [InlineData("line\nfeed", "f")]
    [InlineData("m,t=line\nfeed", "f")]
    [InlineData("m", "line\nfeed")]
    [InlineData("\tm", "f")]
    public void What_line_protocol_has_no_form_for_is_refused(string series, string field) =>
        Assert.Null(Print(oneFieldPerLine: false, [new(series, field, [(1, 1.0)])]));

    [Theory]
    [InlineData("a\\\nb,t=x\\\ny", "f\\\ng")]
    public void A_line_feed_behind_a_backslash_stands_as_it_is_stored(string series, string field) =>
        Assert.Equal($"{series} {field}=1 1\n", Print(oneFieldPerLine: false, [new(series, field, [(1, 1.0)])]));

    [Theory]
    [InlineData("#m", "f")]
    [InlineData("m#", "f")]
    [InlineData("m", "#f")]
    [InlineData("m,#t=#", "f")]
    public void A_number_sign_is_a_character_like_others(string series, string field) =>
        Assert.Equal($"{series} {field}=1 1\n", Print(oneFieldPerLine: false, [new(series, field, [(1, 1.0)])]));

    [Fact]
    public void Names_and_strings_of_any_length_fit()
    {
        foreach (var length in (int[])[1, 15, 16, 17, 500, 5000, 60_000])
        {
            var (name, text) = (new string('=', length / 2), new string('"', length));
            var escaped = string.Concat(Enumerable.Repeat("\\=", length / 2));
            var quoted = string.Concat(Enumerable.Repeat("\\\"", length));
            Assert.Equal($"m x{escaped}=\"{quoted}\" 1\n", Print(oneFieldPerLine: false, [new("m", "x" + name, [(1, text)])]));
        }
    }

    private const long Smallest = long.MinValue + 2;

    private static string? Print(bool oneFieldPerLine, GeneratedBlock[] blocks)
    {
        MergeSource[] sources = [new GeneratedFile(blocks, []).Open("one.tsm")];
        using var planner = new BatchPlanner(sources, new MergeOptions());
        using var reader = new SeriesReader(sources, new MergeOptions());
        using var text = new TextBuffer(16);
        var writer = new LineWriter();
        while (planner.Next() is { } batch)
        {
            reader.Open(batch);
            while (reader.ReadSeries())
            {
                if (!writer.TryBegin(reader))
                {
                    return null;
                }

                while (oneFieldPerLine ? reader.ReadFieldRows() : reader.ReadRows())
                {
                    writer.Write(reader, text);
                }
            }
        }

        Assert.Equal(blocks.Sum(b => b.Points.Count), writer.Points);
        return Encoding.UTF8.GetString(text.Written.Span);
    }
}
