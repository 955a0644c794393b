namespace InfluxBackup;

/// <summary>What kind of trouble an <see cref="InfluxBackupException"/> reports; front ends map it to their own categories.</summary>
public enum ErrorKind
{
    /// <summary>A host could not be reached or broke off.</summary>
    Connection,

    /// <summary>A database, policy, shard, backup or path that was asked for is not there.</summary>
    NotFound,

    /// <summary>A target is there already and would be overwritten.</summary>
    Exists,

    /// <summary>Bytes that are not what their format demands.</summary>
    InvalidData,

    /// <summary>A parameter, or a combination of them, that makes no sense.</summary>
    InvalidArgument,

    /// <summary>A local file or folder could not be read.</summary>
    Read,

    /// <summary>A local file or folder could not be written.</summary>
    Write,

    /// <summary>Somebody else is using the resource; later it may be free.</summary>
    Busy,

    /// <summary>A login was refused.</summary>
    Security,

    /// <summary>Known, but not possible with this server or this backup.</summary>
    Unsupported,
}

/// <summary>
/// The engine's error: a stable id, what it is about and what to do. The message alone tells a reader what
/// failed and where; <see cref="Remedy"/> tells what to do next.
/// </summary>
public sealed class InfluxBackupException : Exception
{
    /// <summary>Creates an error.</summary>
    /// <param name="id">Stable id in Pascal case, for instance <c>ShardTruncated</c>.</param>
    /// <param name="kind">The kind of trouble.</param>
    /// <param name="message">What failed, naming file, host, shard or option.</param>
    /// <param name="inner">The cause, where there is one.</param>
    public InfluxBackupException(string id, ErrorKind kind, string message, Exception? inner = null)
        : base(message, inner)
    {
        Id = id;
        Kind = kind;
    }

    /// <summary>Stable id in Pascal case.</summary>
    public string Id { get; }

    /// <summary>The kind of trouble.</summary>
    public ErrorKind Kind { get; }

    /// <summary>What the error is about: a host, a file, a shard.</summary>
    public string? Subject { get; init; }

    /// <summary>Where in a file or stream, in bytes from its start, where that is known.</summary>
    public long? Offset { get; init; }

    /// <summary>What the user can do about it.</summary>
    public string? Remedy { get; init; }

    /// <summary>Whether the same attempt may succeed when it is made again.</summary>
    public bool IsTransient { get; init; }

    /// <summary>Message and remedy in one text.</summary>
    public string FullMessage => Remedy is null ? Message : $"{Message} {Remedy}";
}
