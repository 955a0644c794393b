using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.LineProtocol;

namespace InfluxBackup.Tests.LineProtocol;

public class FloatTextTests
{
    private static string Print(double value)
    {
        var buffer = new byte[FloatText.MaxLength];
        return Encoding.ASCII.GetString(buffer, 0, FloatText.Write(value, buffer));
    }

    [Theory]
    [InlineData(1, "1")]
    [InlineData(0.1, "0.1")]
    [InlineData(-0.0, "-0")]
    [InlineData(0, "0")]
    [InlineData(123456, "123456")]
    [InlineData(123456.789, "123456.789")]
    [InlineData(999999.9, "999999.9")]
    [InlineData(1000000, "1e+06")]
    [InlineData(1234567, "1.234567e+06")]
    [InlineData(-1234567.25, "-1.23456725e+06")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(0.00012345, "0.00012345")]
    [InlineData(0.00001, "1e-05")]
    [InlineData(1e21, "1e+21")]
    [InlineData(100, "100")]
    [InlineData(100.5, "100.5")]
    [InlineData(1e-100, "1e-100")]
    [InlineData(2.5e100, "2.5e+100")]
    [InlineData(double.MaxValue, "1.7976931348623157e+308")]
    [InlineData(double.Epsilon, "5e-324")]
    [InlineData(2.2250738585072014e-308, "2.2250738585072014e-308")]
    [InlineData(9007199254740993, "9.007199254740992e+15")]
    public void Floats_print_as_the_official_export_prints_them(double value, string expected) => Assert.Equal(expected, Print(value));

    [Fact]
    public void Any_float_prints_with_the_shortest_digits_that_read_back() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(20),
        Prop.ForAll(ArbMap.Default.GeneratorFor<ulong>().ToArbitrary(), seed =>
        {
            // A walk of its own: FsCheck's numbers alone would be too few for 2^64 values.
            for (var i = 0; i < 20_000; i++)
            {
                seed = seed * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407;
                Compare(BitConverter.UInt64BitsToDouble(seed));
                // Decimals as sensors give them, whole numbers, and the borders of powers of two.
                Compare(Math.Round((seed >> 40) / 1000.0, (int)(seed % 4)));
                Compare(seed >> (int)(seed >> 58));
                Compare(BitConverter.UInt64BitsToDouble((seed >> 12) << 52 >> 1));
            }
        }));

    /// <summary>
    /// The framework's shortest form has the same digits in another layout, but for powers of two, where it can be one digit
    /// short and read back as the number below: there the shortest rounding that does read back is the longest allowed.
    /// </summary>
    private static void Compare(double value)
    {
        if (!double.IsFinite(value))
        {
            return;
        }
        var text = Print(value);
        Assert.Equal(BitConverter.DoubleToInt64Bits(value), BitConverter.DoubleToInt64Bits(Read(text)));
        if ((BitConverter.DoubleToInt64Bits(value) << 12) == 0)
        {
            var rounded = Enumerable.Range(0, 17).Select(n => value.ToString("E" + n, CultureInfo.InvariantCulture)).First(t => Read(t) == value);
            Assert.True(Digits(text).Length <= Digits(rounded).Length, text);
        }
        else
        {
            Assert.Equal(Digits(value.ToString("R", CultureInfo.InvariantCulture)), Digits(text));
        }
        var exponent = value == 0 ? 0 : int.Parse(value.ToString("E16", CultureInfo.InvariantCulture).Split('E')[1], CultureInfo.InvariantCulture);
        Assert.Equal(exponent is < -4 or >= 6, text.Contains('e', StringComparison.Ordinal));
    }

    private static double Read(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static string Digits(string text)
    {
        var digits = text.Split('e', 'E')[0].Replace(".", "", StringComparison.Ordinal).TrimStart('-').TrimStart('0');
        return digits.TrimEnd('0');
    }
}
