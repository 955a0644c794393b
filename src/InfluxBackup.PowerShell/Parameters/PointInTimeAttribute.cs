using System.Management.Automation;
using InfluxBackup.BackupSets;

namespace InfluxBackup.PowerShell.Parameters;

/// <summary>Lets the name of a backup (<c>20060102T150405Z</c>) stand for its time, beside everything else that PowerShell takes for a time.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class PointInTimeAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        var text = (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) as string;
        return BackupTimestamp.TryParse(text, out var utc) ? new DateTimeOffset(utc) : inputData;
    }
}
