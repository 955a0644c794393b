using System.Text;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.LineProtocol;
using InfluxBackup.Tests.Transfer;

namespace InfluxBackup.Tests.LineProtocol;

/// <summary>Lines are cut where the server cuts them, and what can't be cut so is kept apart from the rest.</summary>
public sealed class LineReaderTests
{
    [Theory]
    [InlineData("m f=1 1\nn f=2 2\n", "m f=1 1|n f=2 2")]
    [InlineData("m f=1 1\nn f=2 2", "m f=1 1|n f=2 2")]
    [InlineData("m f=1 1\r\nn f=2 2\r\n", "m f=1 1|n f=2 2")]
    [InlineData("m s=\"a\nb\" 1\nn f=2 2\n", "m s=\"a\nb\" 1|n f=2 2")]
    [InlineData("m s=\"a\r\nb\" 1\r\nn f=2 2\n", "m s=\"a\r\nb\" 1|n f=2 2")]
    [InlineData("m s=\"a\\\"\nb\" 1\nn f=2\n", "m s=\"a\\\"\nb\" 1|n f=2")]
    [InlineData("m s=\"a\\\\\" 1\nn f=2\n", "m s=\"a\\\\\" 1|n f=2")]
    [InlineData("m\"q,t=\"x f=1 1\nn f=2\n", "m\"q,t=\"x f=1 1|n f=2")]
    [InlineData("m fi\"eld=1 1\nn f=2\n", "m fi\"eld=1 1|n f=2")]
    [InlineData("m fi\\\"eld=1 1\nn f=2\n", "m fi\\\"eld=1 1|n f=2")]
    [InlineData("m,t=a\\\nb f=1 1\nn f=2\n", "m,t=a\\\nb f=1 1|n f=2")]
    [InlineData("m\\ x,t=a\\,b f=1,s=\"x,y=z\" 1\nn f=2\n", "m\\ x,t=a\\,b f=1,s=\"x,y=z\" 1|n f=2")]
    [InlineData("  \tm f=1 1\nn f=2\n", "m f=1 1|n f=2")]
    [InlineData("m f=\"a\",g=\"\nb\",h=\"\" 1\nn f=2\n", "m f=\"a\",g=\"\nb\",h=\"\" 1|n f=2")]
    public void Lines_end_where_the_server_ends_them(string text, string expected) =>
        Assert.Equal(expected.Split('|'), Read(text).Where(l => l.Kind == LineKind.Point).Select(l => l.Text));

    [Fact]
    public void Comments_and_blank_lines_are_told_apart_and_numbers_count_every_line_feed()
    {
        var lines = Read("\uFEFF# head\n\n  \nm s=\"1\n2\n3\" 1\r\n\r\n# it's s=\"open\nn f=1 2\n");

        Assert.Equal(
            [
                (LineKind.Comment, 1L), (LineKind.Blank, 2L), (LineKind.Blank, 3L), (LineKind.Point, 4L), (LineKind.Blank, 7L), (LineKind.Comment, 8L), (LineKind.Point, 9L),
            ],
            lines.Select(l => (l.Kind, l.Number)));
        Assert.Equal("m s=\"1\n2\n3\" 1", lines[3].Text);
    }

    [Theory]
    [InlineData("m s=\"open 1\nn s=\"good\" 2\no f=1 3\n", "m s=\"open 1", "n s=\"good\" 2|o f=1 3")]
    [InlineData("m s=\"open 1\nn f=2 2\no f=1 3\n", "m s=\"open 1", "n f=2 2|o f=1 3")]
    [InlineData("m s=\"open 1\nn s=\"\" 2\no s=\" x\" 3\n", "m s=\"open 1", "n s=\"\" 2|o s=\" x\" 3")]
    [InlineData("a f=1 1\nm s=\"a\"b\"c 1\nn s=\"good\" 2\n", "m s=\"a\"b\"c 1", "a f=1 1|n s=\"good\" 2")]
    [InlineData("m s=\"open", "m s=\"open", "")]
    [InlineData("n f=1\nm f=1 1\\", "m f=1 1\\", "n f=1")]
    public void A_line_that_would_take_others_with_it_is_kept_apart(string text, string bad, string good)
    {
        var lines = Read(text);

        Assert.Equal([bad], lines.Where(l => l.Kind is LineKind.Unclosed or LineKind.Dangling).Select(l => l.Text));
        Assert.Equal(good.Split('|', StringSplitOptions.RemoveEmptyEntries), lines.Where(l => l.Kind == LineKind.Point).Select(l => l.Text));
    }

    [Fact]
    public void A_string_that_no_later_quote_closes_ends_at_the_limit()
    {
        var text = new StringBuilder("m s=\"open 1\n");
        for (var i = 0; i < 1000; i++)
        {
            text.Append("n f=").Append(i).Append(' ').Append(i).Append('\n');
        }

        var lines = Read(text.ToString(), maxLength: 500);

        Assert.Equal(LineKind.Unclosed, lines[0].Kind);
        Assert.Equal(1000, lines.Count(l => l.Kind == LineKind.Point));
    }

    [Fact]
    public void A_line_beyond_the_limit_is_passed_over_and_the_next_ones_are_read()
    {
        var lines = Read($"a f=1 1\nm s=\"{new string('x', 1_000_000)}\" 1\nb f=1 1\n" + new string('y', 300_000), maxLength: 1000);

        Assert.Equal(
            [(LineKind.Point, 1L), (LineKind.TooLong, 2L), (LineKind.Point, 3L), (LineKind.TooLong, 4L)], lines.Select(l => (l.Kind, l.Number)));
        Assert.StartsWith("m s=\"xxx", lines[1].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Zeros_and_bytes_that_are_no_text_pass_as_they_are()
    {
        byte[] text = [.. "m s=\""u8, 0, 0xff, 0xc3, .. "\" 1\n"u8];
        using var reader = new LineReader(new MemoryStream(text));

        Assert.True(reader.Read());
        Assert.Equal(text[..^1], reader.Line.ToArray());
        Assert.False(reader.Read());
    }

    [Theory]
    [InlineData(0xFF, 0xFE)]
    [InlineData(0xFE, 0xFF)]
    public void Another_encoding_is_recognized(byte first, byte second)
    {
        using var reader = new LineReader(new MemoryStream([first, second, 0, 0]));
        Assert.Equal("EncodingUnsupported", Assert.Throws<InfluxBackupException>(() => reader.Read()).Id);
    }

    [Fact]
    public void Offsets_lead_back_to_the_line()
    {
        var text = Encoding.UTF8.GetBytes("# c\nm s=\"a\nb\" 1\n\nn f=1 2\r\no f=3 3");
        using var reader = new LineReader(new MemoryStream(text));
        while (reader.Read())
        {
            var again = new LineReader(new MemoryStream(text[(int)reader.Offset..]));
            again.StartAt(reader.Offset, reader.Number);
            Assert.True(again.Read());
            Assert.Equal(reader.Line.ToArray(), again.Line.ToArray());
            Assert.Equal((reader.Number, reader.Offset), (again.Number, again.Offset));
            Assert.Equal(reader.NextOffset, again.NextOffset);
        }

        Assert.Equal(text.Length, reader.NextOffset);
    }

    /// <summary>
    /// What is sent line by line must be what the server sees line by line: the server's own loop, written down once more and as plain as
    /// it is, cuts the lines that we hold for points exactly at their ends.
    /// </summary>
    [Fact]
    public void Whatever_the_bytes_the_server_cuts_what_we_send_into_the_lines_that_we_mean()
    {
        var random = new Random(20260101);
        const string alphabet = "m,= \"\\\n\r\n#tf1";
        for (var round = 0; round < 20_000; round++)
        {
            var text = new string([.. Enumerable.Range(0, random.Next(1, 60)).Select(_ => alphabet[random.Next(alphabet.Length)])]);
            var points = Read(text).Where(l => l.Kind == LineKind.Point).Select(l => l.Text).ToList();
            var body = string.Concat(points.Select(p => p + "\n"));

            Assert.Equal(points, ServerLines(body));
        }
    }

    [Fact]
    public void Whatever_names_and_strings_hold_their_points_come_out_as_they_went_in() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll<NonEmptyArray<Tuple<string, string, string>>>(points =>
        {
            var lines = points.Get.Select(p => $"m{Name(p.Item1)},t={Name(p.Item2)}x f{Name(p.Item1)}=\"{Value(p.Item3)}\",g=1i 1500000000000000000").ToList();

            return Read(string.Join('\n', lines)).Select(l => (l.Kind, l.Text)).SequenceEqual(lines.Select(l => (LineKind.Point, l)));
        }));

    [Fact]
    public void Pieces_of_any_size_make_the_same_lines()
    {
        var text = string.Concat(Enumerable.Range(0, 200).Select(i => $"m,t={i} f={i},s=\"a\n\\\"{new string('z', i * 7 % 50)}\" {i}\n"));
        var expected = Read(text);
        foreach (var size in new[] { 1, 2, 3, 7, 64, 1000 })
        {
            using var reader = new LineReader(new PieceStream(Encoding.UTF8.GetBytes(text), size), maxLength: 2000);
            Assert.Equal(expected, Lines(reader));
        }
    }

    /// <summary>A name as clients write it; half of a surrogate pair would not survive UTF-8, and a name can't end with a backslash.</summary>
    private static string Name(string? text) => string.Concat((text ?? "").Where(c => !char.IsSurrogate(c)).Select(c => c is ',' or ' ' or '=' or '\n' or '\\' ? $"\\{c}" : $"{c}"));

    private static string Value(string? text) => string.Concat((text ?? "").Where(c => !char.IsSurrogate(c)).Select(c => c is '"' or '\\' ? $"\\{c}" : $"{c}"));

    private static List<(LineKind Kind, long Number, string Text)> Read(string text, int maxLength = LineReader.DefaultMaxLength)
    {
        using var reader = new LineReader(new MemoryStream(Encoding.UTF8.GetBytes(text)), maxLength);
        return Lines(reader);
    }

    private static List<(LineKind Kind, long Number, string Text)> Lines(LineReader reader)
    {
        var lines = new List<(LineKind, long, string)>();
        while (reader.Read())
        {
            lines.Add((reader.Kind, reader.Number, Encoding.UTF8.GetString(reader.Line)));
        }

        return lines;
    }

    /// <summary>The lines that a server of 1.x makes of a body.</summary>
    private static List<string> ServerLines(string body)
    {
        var lines = new List<string>();
        var at = 0;
        while (at < body.Length)
        {
            var start = at;
            var (isQuoted, isField, equalsSigns, commas) = (false, false, 0, 0);
            while (at < body.Length)
            {
                var c = body[at];
                if (c == '\\' && at + 2 < body.Length)
                {
                    at += 2;
                    continue;
                }

                isField |= c == ' ';
                if (isField && c == '=' && !isQuoted)
                {
                    equalsSigns++;
                }
                else if (isField && c == ',' && !isQuoted)
                {
                    commas++;
                }
                else if (isField && c == '"' && equalsSigns > commas)
                {
                    isQuoted = !isQuoted;
                }
                else if (c == '\n' && !isQuoted)
                {
                    break;
                }

                at++;
            }

            lines.Add(body[start..at]);
            at++;
        }

        return lines;
    }
}
