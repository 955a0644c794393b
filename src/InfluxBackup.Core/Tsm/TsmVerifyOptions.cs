namespace InfluxBackup.Tsm;

/// <summary>How thoroughly to check a TSM file.</summary>
public sealed record TsmVerifyOptions
{
    /// <summary>Structure, checksums, and every point unpacked.</summary>
    public static TsmVerifyOptions Default { get; } = new();

    /// <summary>Structure and checksums only: what random damage changes, at the speed of reading.</summary>
    public static TsmVerifyOptions ChecksumsOnly { get; } = new() { DecodeBlocks = false };

    /// <summary>Whether blocks are unpacked and their points compared with the index.</summary>
    public bool DecodeBlocks { get; init; } = true;

    /// <summary>So many problems are told; the others are counted.</summary>
    public int MaxProblems { get; init; } = 20;

    /// <summary>Is told of the keys on the way.</summary>
    public ITsmKeyObserver? Observer { get; init; }
}
