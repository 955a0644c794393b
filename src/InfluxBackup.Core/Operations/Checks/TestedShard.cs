namespace InfluxBackup.Operations.Checks;

/// <summary>What the test of one shard came to.</summary>
internal sealed record TestedShard
{
    public required IReadOnlyList<TestFinding> Findings { get; init; }

    public bool IsSound => Findings.All(f => f.Severity != FindingSeverity.Error);

    /// <summary>Whether everything in it was to be unpacked.</summary>
    public bool IsDeep { get; init; }

    /// <summary>Bytes of its tar stream that were read.</summary>
    public long Bytes { get; init; }

    public long TsmFiles { get; init; }

    public long Points { get; init; }
}
