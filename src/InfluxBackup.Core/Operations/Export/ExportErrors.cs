namespace InfluxBackup.Operations;

/// <summary>What several parts of an export say in the same words.</summary>
internal static class ExportErrors
{
    public const string SalvageRemedy = "To export what is sound and have the rest reported, give -AllowPartial (--allow-partial).";
}
