using System.Text;

namespace InfluxBackup.Http;

/// <summary>Unit of the times in line protocol.</summary>
public enum WritePrecision
{
    Nanoseconds,
    Microseconds,
    Milliseconds,
    Seconds,
    Minutes,
    Hours,
}

/// <summary>How many owners of a shard in a cluster must have a point before a write counts.</summary>
public enum WriteConsistency
{
    Any,
    One,
    Quorum,
    All,
}

/// <summary>Where points go.</summary>
/// <param name="Database">The database.</param>
/// <param name="RetentionPolicy">The policy; the database's default one when null.</param>
public sealed record WriteTarget(string Database, string? RetentionPolicy)
{
    /// <inheritdoc/>
    public override string ToString() => RetentionPolicy is null ? $"database '{Database}'" : $"policy '{RetentionPolicy}' of database '{Database}'";
}

/// <summary>What a request for <c>/write</c> says besides its target.</summary>
public sealed record WriteSettings
{
    public WritePrecision Precision { get; init; } = WritePrecision.Nanoseconds;

    /// <summary>Left to the server when null, which then takes <c>one</c>.</summary>
    public WriteConsistency? Consistency { get; init; }

    /// <summary>The short names that servers and the official tools use: <c>ns</c>, <c>u</c>, <c>ms</c>, <c>s</c>, <c>m</c>, <c>h</c>.</summary>
    public static string NameOf(WritePrecision precision) => precision switch
    {
        WritePrecision.Nanoseconds => "ns",
        WritePrecision.Microseconds => "u",
        WritePrecision.Milliseconds => "ms",
        WritePrecision.Seconds => "s",
        WritePrecision.Minutes => "m",
        _ => "h",
    };

    /// <summary>Reads such a name.</summary>
    /// <exception cref="InfluxBackupException">It is none. A server would take its points for nanoseconds without a word.</exception>
    public static WritePrecision ParsePrecision(string text) => text switch
    {
        "ns" or "n" => WritePrecision.Nanoseconds,
        "u" or "us" or "µ" => WritePrecision.Microseconds,
        "ms" => WritePrecision.Milliseconds,
        "s" => WritePrecision.Seconds,
        "m" => WritePrecision.Minutes,
        "h" => WritePrecision.Hours,
        _ => throw new InfluxBackupException("PrecisionInvalid", ErrorKind.InvalidArgument, $"'{text}' is not a precision.")
        {
            Remedy = "Give ns, u, ms, s, m or h.",
        },
    };

    /// <summary>The request's query, for instance <c>write?db=d&amp;rp=r&amp;precision=s</c>.</summary>
    internal string Query(WriteTarget target)
    {
        var query = new StringBuilder("write?db=").Append(Uri.EscapeDataString(target.Database));
        if (target.RetentionPolicy is { } policy)
        {
            query.Append("&rp=").Append(Uri.EscapeDataString(policy));
        }

        query.Append("&precision=").Append(NameOf(Precision));
        if (Consistency is { } consistency)
        {
            query.Append("&consistency=").Append(consistency.ToString().ToLowerInvariant());
        }

        return query.ToString();
    }
}
