using System.Globalization;

namespace InfluxBackup.Operations;

/// <summary>Numbers of bytes for people.</summary>
public static class ByteSize
{
    private static readonly string[] Units = ["B", "KB", "MB", "GB", "TB", "PB"];

    /// <summary>For instance <c>1.4 GB</c>; units of 1024.</summary>
    public static string Format(long bytes)
    {
        double value = bytes;
        var unit = 0;
        while (value >= 1024 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {Units[unit]}");
    }

    /// <summary>Reads a number of bytes, with or without one of the units; case does not count.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        var digits = text.AsSpan().TrimEnd("bBkKmMgGtTpP ");
        var unit = text[digits.Length..].Trim();
        var exponent = unit.Length == 0 ? 0 : Array.FindIndex(Units, u => u.Equals(unit, StringComparison.OrdinalIgnoreCase) || u[..1].Equals(unit, StringComparison.OrdinalIgnoreCase));
        if (exponent < 0 || !decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        for (var i = 0; i < exponent; i++)
        {
            number *= 1024;
            if (number > long.MaxValue)
            {
                return false;
            }
        }

        bytes = (long)Math.Min(number, long.MaxValue);
        return number <= long.MaxValue;
    }
}
