using System.Text;

namespace InfluxBackup.LineProtocol;

/// <summary>A tag that a series must have: its key, and patterns of which its value must match one.</summary>
/// <param name="Key">The tag key, as users write it.</param>
/// <param name="Values">Patterns with <c>*</c> and <c>?</c>. A series without the tag has it with an empty value, as in queries.</param>
public sealed record TagFilter(string Key, IReadOnlyList<string> Values);

/// <summary>
/// Which series are wanted, by measurement and tags. Names are compared as users write them, that is without the backslashes of
/// line protocol. All tag filters must match, and of measurements one.
/// </summary>
public sealed class SeriesFilter
{
    private readonly NamePattern[] measurements;
    private readonly (byte[] Key, NamePattern[] Values)[] tags;

    // Only the planner asks, so one buffer will do.
    private byte[] unescaped = new byte[256];

    /// <param name="measurements">Patterns with <c>*</c> and <c>?</c>; every measurement unless given.</param>
    /// <param name="tags">Tags that a series must have.</param>
    public SeriesFilter(IReadOnlyList<string> measurements, IReadOnlyList<TagFilter> tags)
    {
        this.measurements = [.. measurements.Select(m => new NamePattern(m))];
        this.tags = [.. tags.Select(t => (Encoding.UTF8.GetBytes(t.Key), t.Values.Select(v => new NamePattern(v)).ToArray()))];
    }

    /// <summary>Whether every series is wanted.</summary>
    public bool IsEverything => measurements.Length == 0 && tags.Length == 0;

    /// <summary>Whether a series is wanted, given its key as stored. Not for several threads at once.</summary>
    public bool Includes(ReadOnlySpan<byte> seriesKey)
    {
        var rest = seriesKey;
        var measurement = TakePart(ref rest, (byte)',');
        if (measurements.Length > 0 && !MatchesOne(measurements, Unescape(measurement)))
        {
            return false;
        }
        foreach (var (key, values) in tags)
        {
            if (!MatchesOne(values, FindTag(rest, key)))
            {
                return false;
            }
        }
        return true;
    }

    private ReadOnlySpan<byte> FindTag(ReadOnlySpan<byte> tags, ReadOnlySpan<byte> wanted)
    {
        while (!tags.IsEmpty)
        {
            var value = TakePart(ref tags, (byte)',');
            var key = TakePart(ref value, (byte)'=');
            if (Unescape(key).SequenceEqual(wanted))
            {
                return Unescape(value);
            }
        }
        return [];
    }

    /// <summary>Takes what stands before the next separator that has no backslash in front, and the separator.</summary>
    private static ReadOnlySpan<byte> TakePart(scoped ref ReadOnlySpan<byte> rest, byte separator)
    {
        var part = rest;
        for (var i = 0; i < part.Length; i++)
        {
            if (part[i] == '\\')
            {
                i++;
            }
            else if (part[i] == separator)
            {
                rest = part[(i + 1)..];
                return part[..i];
            }
        }
        rest = [];
        return part;
    }

    /// <summary>Removes the backslashes in front of commas, spaces and equals signs; others are characters of the name.</summary>
    private ReadOnlySpan<byte> Unescape(ReadOnlySpan<byte> name)
    {
        if (!name.Contains((byte)'\\'))
        {
            return name;
        }
        if (unescaped.Length < name.Length)
        {
            unescaped = new byte[name.Length];
        }
        var length = 0;
        for (var i = 0; i < name.Length; i++)
        {
            if (name[i] == '\\' && i + 1 < name.Length && name[i + 1] is (byte)',' or (byte)' ' or (byte)'=')
            {
                i++;
            }
            unescaped[length++] = name[i];
        }
        return unescaped.AsSpan(0, length);
    }

    private static bool MatchesOne(NamePattern[] patterns, ReadOnlySpan<byte> name)
    {
        foreach (var pattern in patterns)
        {
            if (pattern.Matches(name))
            {
                return true;
            }
        }
        return false;
    }
}
