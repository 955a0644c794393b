using InfluxBackup.Tsm;

namespace InfluxBackup.LineProtocol;

/// <summary>
/// One value of one field as a line of its own: <c>measurement,tag=value field=1.5 1500000000000000000</c>. For the few lines that are not
/// an export; <see cref="LineWriter"/> prints many.
/// </summary>
internal static class PointLine
{
    /// <summary>
    /// Whether line protocol has a form for a series and its field that every reader takes for a point. A field named <c>time</c> is
    /// refused by servers.
    /// </summary>
    public static bool CanWrite(ReadOnlySpan<byte> seriesKey, ReadOnlySpan<byte> field) =>
        LineWriter.CanWrite(seriesKey, field) && !Escaping.IsComment(seriesKey) && !field.SequenceEqual("time"u8);

    /// <summary>Writes the line of one point, given series and field as stored.</summary>
    public static void Write(TextBuffer text, ReadOnlySpan<byte> seriesKey, ReadOnlySpan<byte> field, TsmPoints points, int index)
    {
        text.Write(seriesKey);
        text.Write(" "u8);
        text.Advance(Escaping.WriteFieldName(field, text.ReserveSpan(2 * field.Length)));
        text.Write("="u8);
        WriteValue(text, points, index);
        text.Write(" "u8);
        text.Advance(DecimalText.Write(points.Times[index], ref text.Reserve(DecimalText.MaxLength)));
        text.Write("\n"u8);
    }

    private static void WriteValue(TextBuffer text, TsmPoints points, int index)
    {
        switch (points.Type)
        {
            case TsmBlockType.Float:
                text.Advance(FloatText.Write(points.Floats[index], ref text.Reserve(FloatText.MaxLength)));
                break;
            case TsmBlockType.Integer:
                text.Advance(DecimalText.Write(points.Integers[index], ref text.Reserve(DecimalText.MaxLength)));
                text.Write("i"u8);
                break;
            case TsmBlockType.Unsigned:
                text.Advance(DecimalText.Write(points.Unsigneds[index], ref text.Reserve(DecimalText.MaxLength)));
                text.Write("u"u8);
                break;
            case TsmBlockType.Boolean:
                text.Write(points.Booleans[index] ? "true"u8 : "false"u8);
                break;
            default:
                var value = points.String(index);
                text.Write("\""u8);
                text.Advance(Escaping.WriteString(value, text.ReserveSpan(2 * value.Length)));
                text.Write("\""u8);
                break;
        }
    }
}
