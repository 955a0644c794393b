using System.Text;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations;

/// <summary>A field of a measurement, both as users write them.</summary>
/// <param name="Measurement">The measurement.</param>
/// <param name="Field">The field.</param>
public sealed record FieldName(string Measurement, string Field) : IComparable<FieldName>
{
    /// <inheritdoc/>
    public int CompareTo(FieldName? other) =>
        other is null ? 1
        : string.CompareOrdinal(Measurement, other.Measurement) is var order && order != 0 ? order
        : string.CompareOrdinal(Field, other.Field);

    /// <inheritdoc/>
    public override string ToString() => $"field '{Field}' of measurement '{Measurement}'";

    /// <summary>From what is stored: the measurement escaped, the field not. Bytes that are no text become what JSON answers have for them.</summary>
    internal static FieldName Of(ReadOnlySpan<byte> measurement, ReadOnlySpan<byte> field) => new(Unescape(measurement, ", "u8), Encoding.UTF8.GetString(field));

    /// <summary>Takes away the backslashes before characters that have one in a series key; others are part of the name.</summary>
    internal static string Unescape(ReadOnlySpan<byte> name, ReadOnlySpan<byte> escaped)
    {
        if (!name.Contains((byte)'\\'))
        {
            return Encoding.UTF8.GetString(name);
        }

        var plain = new byte[name.Length];
        var length = 0;
        for (var i = 0; i < name.Length; i++)
        {
            if (name[i] == '\\' && i + 1 < name.Length && escaped.Contains(name[i + 1]))
            {
                i++;
            }

            plain[length++] = name[i];
        }

        return Encoding.UTF8.GetString(plain, 0, length);
    }

    public static bool operator <(FieldName left, FieldName right) => left.CompareTo(right) < 0;

    public static bool operator >(FieldName left, FieldName right) => left.CompareTo(right) > 0;

    public static bool operator <=(FieldName left, FieldName right) => left.CompareTo(right) <= 0;

    public static bool operator >=(FieldName left, FieldName right) => left.CompareTo(right) >= 0;
}

/// <summary>What values a field has, in the words of <c>SHOW FIELD KEYS</c>.</summary>
internal static class FieldTypeName
{
    public static string Of(TsmBlockType type) => type switch
    {
        TsmBlockType.Float => "float",
        TsmBlockType.Integer => "integer",
        TsmBlockType.Unsigned => "unsigned",
        TsmBlockType.Boolean => "boolean",
        _ => "string",
    };
}
