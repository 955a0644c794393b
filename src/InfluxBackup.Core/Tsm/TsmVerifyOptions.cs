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

    /// <summary>After so many problems the file is bad enough: checking ends with the next one.</summary>
    public int MaxProblems { get; init; } = 20;
}
