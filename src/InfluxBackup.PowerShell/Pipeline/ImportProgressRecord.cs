using System.Globalization;
using System.Management.Automation;
using InfluxBackup.Operations;

namespace InfluxBackup.PowerShell.Pipeline;

/// <summary>How far an import has come, as a progress record.</summary>
internal static class ImportProgressRecord
{
    private const int Id = 8086;

    public static ProgressRecord Of(ImportProgress now)
    {
        var seconds = now.Elapsed.TotalSeconds;
        var status = string.Create(CultureInfo.InvariantCulture, $"{now.PointsWritten} points{(now.Rejected > 0 ? $", {now.Rejected} rejected" : "")}, {(seconds > 0 ? now.PointsWritten / seconds : 0):0}/s");
        var record = new ProgressRecord(Id, $"Importing {now.Source}", status);
        if (now.TotalBytes is > 0 and { } total)
        {
            record.PercentComplete = (int)Math.Clamp(100.0 * now.BytesRead / total, 0, 100);
            if (now.BytesRead > 0 && seconds >= 1)
            {
                record.SecondsRemaining = (int)Math.Min(int.MaxValue, seconds / now.BytesRead * (total - now.BytesRead));
            }
        }

        return record;
    }

    public static ProgressRecord Completed() => new(Id, "Importing", "Done") { RecordType = ProgressRecordType.Completed };
}
