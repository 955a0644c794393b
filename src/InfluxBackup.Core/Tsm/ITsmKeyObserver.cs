namespace InfluxBackup.Tsm;

/// <summary>Is told of every key of a TSM file while the file is checked or counted, in the order of its index.</summary>
public interface ITsmKeyObserver
{
    /// <summary>A key and all of its blocks. The span is valid only during the call.</summary>
    void OnKey(ReadOnlySpan<byte> key, TsmBlockType type, TsmKeySummary summary);
}

/// <summary>What a TSM file holds of one key.</summary>
/// <param name="MinTime">First time, as the index says.</param>
/// <param name="MaxTime">Last time, as the index says.</param>
/// <param name="Blocks">Number of blocks.</param>
/// <param name="Points">Number of points; null where nobody counted them.</param>
public readonly record struct TsmKeySummary(long MinTime, long MaxTime, int Blocks, long? Points);
