namespace InfluxBackup.Tsm;

/// <summary>What the values of a block are. The number is the block's first byte, and the type byte in the index.</summary>
public enum TsmBlockType : byte
{
    Float = 0,
    Integer = 1,
    Boolean = 2,
    String = 3,
    Unsigned = 4,
}

internal static class TsmBlockTypes
{
    public static bool IsKnown(this TsmBlockType type) => type <= TsmBlockType.Unsigned;

    /// <summary>The type as a message names it.</summary>
    public static string Describe(this TsmBlockType type) =>
        type.IsKnown() ? type.ToString().ToLowerInvariant() : $"unknown type {(byte)type}";
}
