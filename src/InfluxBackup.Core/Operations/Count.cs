namespace InfluxBackup.Operations;

/// <summary>Numbers of things for people.</summary>
public static class Count
{
    /// <summary>For instance <c>1 shard</c>, <c>20 shards</c>.</summary>
    public static string Of(long number, string thing) => number == 1 ? $"1 {thing}" : $"{number} {thing}s";
}
