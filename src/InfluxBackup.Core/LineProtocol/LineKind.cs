namespace InfluxBackup.LineProtocol;

/// <summary>What a <see cref="LineReader"/> found.</summary>
public enum LineKind
{
    /// <summary>A line that may be a point; whether it is one is for the server to say.</summary>
    Point,

    /// <summary>Nothing but white space.</summary>
    Blank,

    /// <summary>A line that begins with <c>#</c>.</summary>
    Comment,

    /// <summary>
    /// A line with a string value that is not closed. It must not be sent: the server would take the lines after it for a part
    /// of the string.
    /// </summary>
    Unclosed,

    /// <summary>The last line of the stream, when it ends with a backslash that escapes nothing; not to be sent for the same reason.</summary>
    Dangling,

    /// <summary>A line beyond the limit; only its beginning is there.</summary>
    TooLong,
}
