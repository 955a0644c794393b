using System.Globalization;
using System.Text;

namespace InfluxBackup.Tsm;

/// <summary>
/// The composite key under which the points of one field of one series are stored:
/// <code>measurement,tag=value,…  #!~#  field</code>
/// The series key is escaped as in line protocol, the field name is not. Bytes need not be valid UTF-8.
/// </summary>
public static class TsmKey
{
    /// <summary>How much of a key a message shows.</summary>
    private const int MaxShown = 256;

    /// <summary>What stands between series key and field name; the first occurrence counts.</summary>
    public static ReadOnlySpan<byte> Separator => "#!~#"u8;

    /// <summary>Splits at the separator. False if there is none.</summary>
    public static bool TrySplit(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> series, out ReadOnlySpan<byte> field)
    {
        var at = key.IndexOf(Separator);
        series = at < 0 ? key : key[..at];
        field = at < 0 ? default : key[(at + Separator.Length)..];
        return at >= 0;
    }

    /// <summary>The key as a person can read it: <c>cpu,host=a field usage</c>. Bytes that are not text appear as <c>\x1f</c>.</summary>
    public static string Describe(ReadOnlySpan<byte> key)
    {
        var text = new StringBuilder();
        if (TrySplit(key, out var series, out var field))
        {
            AppendReadable(text, series);
            text.Append(" field ");
            AppendReadable(text, field);
        }
        else
        {
            AppendReadable(text, key);
        }
        return text.ToString();
    }

    /// <summary>Series and field as a person can read them; no field where the key has no separator.</summary>
    public static (string Series, string? Field) DescribeParts(ReadOnlySpan<byte> key)
    {
        var hasField = TrySplit(key, out var series, out var field);
        return (Readable(series), hasField ? Readable(field) : null);
    }

    /// <summary>The measurement at the start of a series key, escaped as it is there: up to the first comma without a backslash.</summary>
    public static ReadOnlySpan<byte> MeasurementOf(ReadOnlySpan<byte> series)
    {
        for (var i = 0; i < series.Length; i++)
        {
            if (series[i] == (byte)'\\')
            {
                i++;
            }
            else if (series[i] == (byte)',')
            {
                return series[..i];
            }
        }
        return series;
    }

    /// <summary>Bytes as a person can read them; those that are not text appear as <c>\x1f</c>.</summary>
    public static string Readable(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        AppendReadable(text, bytes);
        return text.ToString();
    }

    private static void AppendReadable(StringBuilder text, ReadOnlySpan<byte> bytes)
    {
        var shown = bytes[..Math.Min(bytes.Length, MaxShown)];
        while (!shown.IsEmpty)
        {
            var status = Rune.DecodeFromUtf8(shown, out var rune, out var consumed);
            if (status != System.Buffers.OperationStatus.Done || Rune.IsControl(rune))
            {
                foreach (var b in shown[..consumed])
                {
                    text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}");
                }
            }
            else
            {
                text.Append(rune.ToString());
            }
            shown = shown[consumed..];
        }
        if (bytes.Length > MaxShown)
        {
            text.Append(CultureInfo.InvariantCulture, $"… ({bytes.Length} bytes)");
        }
    }
}
