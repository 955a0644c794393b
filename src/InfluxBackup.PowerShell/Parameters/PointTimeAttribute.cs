using System.Management.Automation;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;

namespace InfluxBackup.PowerShell.Parameters;

/// <summary>
/// A time of a point, in nanoseconds since 1970: PowerShell's own times are too coarse to name one. Takes text with up to nine digits of
/// a second (UTC unless it has an offset), the name of a backup, whole nanoseconds, and objects with a time.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class PointTimeAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object inputData) => (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) switch
    {
        DateTimeOffset time => ShardTime.FromDateTime(time),
        // As everywhere in PowerShell, a time that does not say where it counts is local.
        DateTime time => ShardTime.FromDateTime(time),
        string text when BackupTimestamp.TryParse(text, out var utc) => ShardTime.FromDateTime(utc),
        string text when ShardTime.TryParse(text, out var nanoseconds) => nanoseconds,
        string text => throw new ArgumentTransformationMetadataException(
            $"'{text}' is not a time. Give for instance 2026-01-02T15:04:05Z, 2026-01-02T15:04:05.123456789Z, or nanoseconds since 1970."),
        var other => other,
    };
}
