using System.Globalization;
using System.Management.Automation;

namespace InfluxBackup.PowerShell.Parameters;

/// <summary>
/// A time span, or a number of seconds. Without this PowerShell would take a number for ticks of 100 ns, and the text <c>30</c> for
/// 30 days.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class TimeoutAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        var input = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        TimeSpan? span = input switch
        {
            TimeSpan given => given,
            string text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) => Seconds(seconds),
            string text when TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var parsed) => parsed,
            int or long or double or decimal or float or short or byte => Seconds(Convert.ToDouble(input, CultureInfo.InvariantCulture)),
            _ => null,
        };
        return span is null || span > TimeSpan.Zero
            ? span ?? inputData
            : throw new ArgumentTransformationMetadataException("The timeout has to be longer than nothing.");
    }

    private static TimeSpan Seconds(double seconds) => seconds is > 0 and < int.MaxValue
        ? TimeSpan.FromSeconds(seconds)
        : throw new ArgumentTransformationMetadataException("The timeout is not a sensible number of seconds.");
}
