using System.Text;
using InfluxBackup.LineProtocol;

namespace InfluxBackup.Tests.LineProtocol;

/// <summary>What people have lying about is understood: exports, several of them in one file, bare line protocol.</summary>
public sealed class ScriptReaderTests
{
    [Fact]
    public void An_export_is_statements_contexts_and_points()
    {
        var items = Read("# DDL\nCREATE DATABASE \"a b\" WITH NAME rp\n# DML\n# CONTEXT-DATABASE:a:b\n# CONTEXT-RETENTION-POLICY: r:p \n# writing tsm data\nm f=1 1\n");

        Assert.Equal(["S CREATE DATABASE \"a b\" WITH NAME rp", "P a:b/r:p m f=1 1"], items);
    }

    [Fact]
    public void Bare_line_protocol_is_points_from_the_first_line_on() =>
        Assert.Equal(["P / m s=\"x\ny\" 1", "P / create f=1 2"], Read("m s=\"x\ny\" 1\ncreate f=1 2\n"));

    [Fact]
    public void Statements_before_bare_line_protocol_are_statements() =>
        Assert.Equal(["S CREATE DATABASE db", "S create retention policy r ON db DURATION 1d REPLICATION 1;", "P / m f=1 1"], Read("CREATE DATABASE db\ncreate retention policy r ON db DURATION 1d REPLICATION 1;\n\nm f=1 1\n"));

    [Fact]
    public void A_measurement_may_be_called_like_a_verb() =>
        Assert.Equal(["P / CREATE f=1 1", "P / drop,t=a f=1 1", "P / select f=1"], Read("CREATE f=1 1\ndrop,t=a f=1 1\nselect f=1\n"));

    [Fact]
    public void Exports_one_after_another_are_read_as_such() =>
        Assert.Equal(
            ["S CREATE DATABASE a", "P a/r m f=1 1", "S CREATE DATABASE b", "P b/r m f=2 2"],
            Read("# DDL\nCREATE DATABASE a\n# DML\n# CONTEXT-DATABASE:a\n# CONTEXT-RETENTION-POLICY:r\nm f=1 1\n# DDL\nCREATE DATABASE b\n# DML\n# CONTEXT-DATABASE:b\nm f=2 2\n"));

    [Fact]
    public void Marks_inside_of_strings_are_text() =>
        Assert.Equal(["P d/ m s=\"\n# CONTEXT-DATABASE:x\n# DDL\n\" 1", "P d/ n f=1"], Read("# CONTEXT-DATABASE:d\nm s=\"\n# CONTEXT-DATABASE:x\n# DDL\n\" 1\nn f=1\n"));

    [Fact]
    public void Statements_are_read_by_lines_whatever_their_quotes() =>
        Assert.Equal(["S CREATE USER u WITH PASSWORD 'a=\"b'", "P / m f=1"], Read("# DDL\nCREATE USER u WITH PASSWORD 'a=\"b'\n# DML\nm f=1\n"));

    [Theory]
    [InlineData("CREATE DATABASE golden WITH NAME rp_1d", "golden", "rp_1d")]
    [InlineData("create database \"a \\\"b\\\" ö\" with duration 1d replication 1 name \"r p\"", "a \"b\" ö", "r p")]
    [InlineData("CREATE DATABASE d;", "d", null)]
    [InlineData("CREATE RETENTION POLICY \"ポリシー-1d\" ON \"dotted.db-1\" DURATION 0s REPLICATION 1", "dotted.db-1", "ポリシー-1d")]
    [InlineData("CREATE USER u WITH PASSWORD 'secret' WITH ALL PRIVILEGES", null, null)]
    public void Names_are_found_in_statements(string text, string? database, string? policy)
    {
        var statement = InfluxQlStatement.Parse(text);
        Assert.Equal((database, policy), (statement.Database, statement.CreatedPolicy));
        Assert.DoesNotContain("secret", statement.SafeText, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CREATE DATABASE golden WITH NAME rp_1d", "CREATE DATABASE \"x y\" WITH NAME \"z\"")]
    [InlineData("CREATE DATABASE golden", "CREATE DATABASE \"x y\"")]
    [InlineData("CREATE RETENTION POLICY a ON \"b c\" DURATION 0s REPLICATION 1", "CREATE RETENTION POLICY \"z\" ON \"x y\" DURATION 0s REPLICATION 1")]
    public void Names_are_replaced_in_statements(string text, string expected) =>
        Assert.Equal(expected, InfluxQlStatement.Parse(text).WithNames("\"x y\"", "\"z\"").Text);

    private static List<string> Read(string text)
    {
        using var lines = new LineReader(new MemoryStream(Encoding.UTF8.GetBytes(text)));
        var script = new ScriptReader(lines);
        var items = new List<string>();
        while (script.Read())
        {
            if (script.Item == ScriptItem.Statement)
            {
                items.Add("S " + script.Statement!.Text);
            }
            else if (script.Item == ScriptItem.Point)
            {
                items.Add($"P {script.Context.Database}/{script.Context.RetentionPolicy} {Encoding.UTF8.GetString(script.Line)}");
            }
        }

        return items;
    }
}
