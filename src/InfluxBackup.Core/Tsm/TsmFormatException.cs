namespace InfluxBackup.Tsm;

/// <summary>Bytes that are not what the format says.</summary>
public sealed class TsmFormatException : FormatException
{
    public TsmFormatException(string message, long offset = 0, Exception? inner = null)
        : base(message, inner) => Offset = offset;

    /// <summary>Where, counted from the start of what was read: the file, or the encoded bytes that a codec was given.</summary>
    public long Offset { get; }
}
