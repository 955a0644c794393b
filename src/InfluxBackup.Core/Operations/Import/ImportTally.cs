using InfluxBackup.LineProtocol;

namespace InfluxBackup.Operations;

/// <summary>Counts the lines of a source by what they are.</summary>
internal sealed class ImportTally
{
    public long Points { get; set; }

    public long Bad { get; set; }

    public long Comments { get; private set; }

    public long BlankLines { get; private set; }

    public long Statements { get; private set; }

    /// <summary>Comments that look like points.</summary>
    public long HiddenPoints { get; private set; }

    public long Total => Points + Bad + Comments + BlankLines + Statements;

    /// <summary>What has to be said about the source.</summary>
    public IReadOnlyList<string> Warnings => HiddenPoints == 0
        ? []
        : [$"{Count.Of(HiddenPoints, "line")} that begin{(HiddenPoints == 1 ? "s" : "")} with '#' look{(HiddenPoints == 1 ? "s" : "")} like a point. Line protocol takes such lines for comments; a measurement with such a name can't be written."];

    /// <summary>Counts a line that is neither point nor bad.</summary>
    public void Add(ScriptReader line)
    {
        switch (line.Item)
        {
            case ScriptItem.Comment:
                Comments++;
                HiddenPoints += IsHiddenPoint(line.Line) ? 1 : 0;
                break;
            case ScriptItem.Blank:
                BlankLines++;
                break;
            case ScriptItem.Statement:
                Statements++;
                break;
        }
    }

    /// <summary>Why a line can't be sent.</summary>
    public static string ReasonOf(LineKind kind, int maxLength) => kind switch
    {
        LineKind.Unclosed => "a string value is not closed",
        LineKind.Dangling => "the file ends with a backslash that escapes nothing",
        _ => $"the line is longer than {ByteSize.Format(maxLength)}",
    };

    /// <summary>As <c>#name,tag=value field=1 1500000000000000000</c>, what an export makes of a measurement <c>#name</c>.</summary>
    private static bool IsHiddenPoint(ReadOnlySpan<byte> comment)
    {
        var space = comment.IndexOf((byte)' ');
        return space > 1 && comment[(space + 1)..].Contains((byte)'=') && PointTime.Read(comment[space..]) is not null;
    }
}
