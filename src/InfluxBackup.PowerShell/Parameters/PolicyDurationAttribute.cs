using System.Management.Automation;
using InfluxBackup.Metadata;

namespace InfluxBackup.PowerShell.Parameters;

/// <summary>A time span, or a duration as InfluxQL writes it: <c>INF</c>, <c>30d</c>, <c>52w</c>. A bare number would be anybody's guess.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class PolicyDurationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object inputData) =>
        (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) switch
        {
            TimeSpan span => span,
            string text when PolicyDuration.TryParse(text, out var duration) => duration,
            int and 0 => TimeSpan.Zero,
            _ => throw new ArgumentTransformationMetadataException($"'{inputData}' is not the duration of a retention policy. Give INF, or for instance 30d, 52w or a TimeSpan."),
        };
}
