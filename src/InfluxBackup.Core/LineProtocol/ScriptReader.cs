using System.Text;

namespace InfluxBackup.LineProtocol;

/// <summary>Database and policy that the lines of a file say they belong to.</summary>
/// <param name="Database">Null where the file has not said.</param>
/// <param name="RetentionPolicy">Null where the file has not said.</param>
public sealed record ScriptContext(string? Database, string? RetentionPolicy);

/// <summary>What stands in a line of a script.</summary>
public enum ScriptItem
{
    /// <summary>A line that may be a point.</summary>
    Point,

    /// <summary>A line that can't be sent; <see cref="ScriptReader.Kind"/> says why.</summary>
    Bad,

    Statement,

    Comment,

    Blank,
}

/// <summary>
/// Reads what <c>influx_inspect export</c> writes and <c>influx -import</c> takes, and bare line protocol as well:
/// <code>
/// # DDL
/// CREATE DATABASE db WITH NAME rp
/// # DML
/// # CONTEXT-DATABASE:db
/// # CONTEXT-RETENTION-POLICY:rp
/// measurement,tag=value field=1 1500000000000000000
/// </code>
/// Several such files one after the other are read as well. A file without <c># DML</c> is line protocol from its first line that is
/// no statement on: a statement begins with two words of InfluxQL, as no point does.
/// </summary>
public sealed class ScriptReader(LineReader lines)
{
    private Section section = Section.Unknown;

    private enum Section
    {
        Unknown,
        Statements,
        Points,
    }

    private static ReadOnlySpan<byte> DatabaseMark => "# CONTEXT-DATABASE:"u8;

    private static ReadOnlySpan<byte> PolicyMark => "# CONTEXT-RETENTION-POLICY:"u8;

    public ScriptItem Item { get; private set; }

    /// <summary>The line's kind, for bad ones.</summary>
    public LineKind Kind => lines.Kind;

    /// <summary>The line; valid until the next call.</summary>
    public ReadOnlySpan<byte> Line => lines.Line;

    /// <summary>Measurement and tags of a point.</summary>
    public int KeyLength => lines.KeyLength;

    public long Offset => lines.Offset;

    public long Number => lines.Number;

    public long NextOffset => lines.NextOffset;

    public long NextNumber => lines.NextNumber;

    /// <summary>What the following points belong to; another object after each change.</summary>
    public ScriptContext Context { get; private set; } = new(null, null);

    /// <summary>Whether the points have begun: only then a later run can go on from here.</summary>
    public bool IsInPoints => section == Section.Points;

    /// <summary>The statement, with <see cref="ScriptItem.Statement"/>.</summary>
    public InfluxQlStatement? Statement { get; private set; }

    /// <summary>Goes on in the middle of the points.</summary>
    public void StartIn(ScriptContext context)
    {
        Context = context;
        section = Section.Points;
    }

    /// <summary>Goes to the next line; false at the end.</summary>
    public bool Read()
    {
        lines.IsPlain = section != Section.Points;
        if (!lines.Read())
        {
            return false;
        }

        switch (lines.Kind)
        {
            case LineKind.Blank:
                Item = ScriptItem.Blank;
                break;
            case LineKind.Comment:
                Item = ScriptItem.Comment;
                ReadComment();
                break;
            case LineKind.Point when section == Section.Points:
                Item = ScriptItem.Point;
                break;
            case LineKind.Point when section == Section.Statements ? InfluxQlStatement.HasVerb(Line) : InfluxQlStatement.IsStatement(Line):
                Item = ScriptItem.Statement;
                Statement = InfluxQlStatement.Parse(Encoding.UTF8.GetString(Line));
                break;
            case LineKind.Point:
                section = Section.Points;
                lines.PushBack();
                return Read();
            default:
                Item = ScriptItem.Bad;
                break;
        }

        return true;
    }

    private void ReadComment()
    {
        var line = Line;
        if (line.StartsWith(DatabaseMark))
        {
            Context = Context with { Database = Name(line[DatabaseMark.Length..]) };
            section = Section.Points;
        }
        else if (line.StartsWith(PolicyMark))
        {
            Context = Context with { RetentionPolicy = Name(line[PolicyMark.Length..]) };
            section = Section.Points;
        }
        else if (line.StartsWith("# DML"u8))
        {
            section = Section.Points;
        }
        else if (line.StartsWith("# DDL"u8))
        {
            section = Section.Statements;
        }
    }

    /// <summary>The whole rest of the line: a name may have colons in it. Spaces around it are none of it, as for the official tool.</summary>
    private static string? Name(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text).Trim() is { Length: > 0 } name ? name : null;
}
