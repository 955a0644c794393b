using System.CommandLine.Parsing;
using System.Globalization;
using InfluxBackup.BackupSets;
using InfluxBackup.Cluster;
using InfluxBackup.Http;
using InfluxBackup.LineProtocol;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Cli.Arguments;

/// <summary>Texts of the command line as the engine's types; what is no such text is an error of usage.</summary>
internal static class ArgumentParsers
{
    public static DataNodeAddress? DataNode(ArgumentResult result) => Engine(result, DataNodeAddress.Parse);

    public static MetaNodeAddress[] MetaNodes(ArgumentResult result)
    {
        try
        {
            return [.. result.Tokens.Select(t => MetaNodeAddress.Parse(t.Value))];
        }
        catch (InfluxBackupException e)
        {
            result.AddError(e.FullMessage);
            return [];
        }
    }

    public static DataNodeAddress[] DataNodes(ArgumentResult result) =>
        [.. result.Tokens.Select(t => Engine(result, t.Value, DataNodeAddress.Parse)).OfType<DataNodeAddress>()];

    /// <summary><c>full</c>, <c>incremental</c> or <c>metadata-only</c>; also as the cmdlet spells them.</summary>
    public static BackupStrategy? Strategy(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (Enum.TryParse<BackupStrategy>(text.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var strategy) && Enum.IsDefined(strategy) && !char.IsDigit(text[0]))
        {
            return strategy;
        }

        result.AddError($"'{text}' is not a strategy. Give full, incremental or metadata-only.");
        return null;
    }

    /// <summary><c>existing</c> or <c>backup</c>.</summary>
    public static MergePreference? MergePreference(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (Enum.TryParse<MergePreference>(text, ignoreCase: true, out var preference) && Enum.IsDefined(preference) && !char.IsDigit(text[0]))
        {
            return preference;
        }

        result.AddError($"'{text}' is not what a merge can prefer. Give existing or backup.");
        return null;
    }

    public static Uri? HttpUri(ArgumentResult result) => Engine(result, InfluxHttpOptions.ParseUri);

    public static DataSubset? DataSubset(ArgumentResult result) => Engine(result, Operations.DataSubset.Parse);

    /// <summary>RFC 3339, or the name of a backup; without an offset the time is UTC, as everywhere in InfluxDB.</summary>
    public static DateTimeOffset? Time(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (BackupTimestamp.TryParse(text, out var utc))
        {
            return new DateTimeOffset(utc);
        }

        if (DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
        {
            return time;
        }

        result.AddError($"'{text}' is not a time. Give for instance 2024-05-01, 2024-05-01T12:00:00Z, or the name of a backup.");
        return null;
    }

    /// <summary>A time of points, to the nanosecond.</summary>
    public static long? PointTime(ArgumentResult result)
    {
        if (ShardTime.TryParse(result.Tokens[0].Value, out var time))
        {
            return time;
        }

        result.AddError($"'{result.Tokens[0].Value}' is not a time. Give for instance 2024-05-01, 2024-05-01T12:00:00.000000001Z, or nanoseconds since 1970.");
        return null;
    }

    /// <summary>Bytes, or with a unit of 1024: <c>500MB</c>, <c>2GB</c>.</summary>
    public static long? Size(ArgumentResult result)
    {
        if (ByteSize.TryParse(result.Tokens[0].Value, out var bytes))
        {
            return bytes;
        }

        result.AddError($"'{result.Tokens[0].Value}' is not a size. Give bytes, or a number with KB, MB, GB or TB, for instance 500MB.");
        return null;
    }

    /// <summary>Tags as <c>key=pattern</c>; of one key any pattern may match.</summary>
    public static TagFilter[] Tags(ArgumentResult result)
    {
        var tags = new List<(string Key, string Pattern)>();
        foreach (var token in result.Tokens)
        {
            var at = token.Value.IndexOf('=', StringComparison.Ordinal);
            if (at > 0)
            {
                tags.Add((token.Value[..at], token.Value[(at + 1)..]));
            }
            else
            {
                result.AddError($"'{token.Value}' is not a tag. Give its key and a pattern for its value, for instance host=web*.");
            }
        }

        return [.. tags.GroupBy(t => t.Key).Select(g => new TagFilter(g.Key, g.Select(t => t.Pattern).ToList()))];
    }

    /// <summary>Seconds, or hours, minutes and seconds.</summary>
    public static TimeSpan? Duration(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        TimeSpan? duration =
            double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds < TimeSpan.MaxValue.TotalSeconds
                ? TimeSpan.FromSeconds(seconds)
            : text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var span) ? span
            : null;
        // Timers of the runtime end at 49 days.
        if (duration > TimeSpan.Zero && duration < TimeSpan.FromDays(49))
        {
            return duration;
        }

        result.AddError($"'{text}' is not a length of time. Give seconds, for instance 90, or hours, minutes and seconds, for instance 00:01:30.");
        return null;
    }

    /// <summary>How long a retention policy keeps data; zero is for ever.</summary>
    public static TimeSpan? PolicyDuration(ArgumentResult result)
    {
        if (Metadata.PolicyDuration.TryParse(result.Tokens[0].Value, out var duration))
        {
            return duration;
        }

        result.AddError($"'{result.Tokens[0].Value}' is not the duration of a retention policy. Give INF, or for instance 30d or 52w.");
        return null;
    }

    public static int? Positive(ArgumentResult result)
    {
        if (int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= 256)
        {
            return number;
        }

        result.AddError($"'{result.Tokens[0].Value}' is not a number from 1 to 256.");
        return null;
    }

    /// <summary>A whole number above zero, however large.</summary>
    public static long? Amount(ArgumentResult result)
    {
        if (long.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0)
        {
            return number;
        }

        result.AddError($"'{result.Tokens[0].Value}' is not a whole number above zero.");
        return null;
    }

    public static WritePrecision? Precision(ArgumentResult result)
    {
        try
        {
            return WriteSettings.ParsePrecision(result.Tokens[0].Value);
        }
        catch (InfluxBackupException e)
        {
            result.AddError(e.FullMessage);
            return null;
        }
    }

    public static ulong[] ShardIds(ArgumentResult result)
    {
        var ids = new List<ulong>();
        foreach (var token in result.Tokens)
        {
            if (ulong.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            {
                ids.Add(id);
            }
            else
            {
                result.AddError($"'{token.Value}' is not the id of a shard. Shard ids are whole numbers; 'influxbackup shards' lists them.");
            }
        }

        return [.. ids];
    }

    private static T? Engine<T>(ArgumentResult result, Func<string, T> parse)
        where T : class => Engine(result, result.Tokens[0].Value, parse);

    private static T? Engine<T>(ArgumentResult result, string text, Func<string, T> parse)
        where T : class
    {
        try
        {
            return parse(text);
        }
        catch (InfluxBackupException e)
        {
            result.AddError(e.FullMessage);
            return null;
        }
    }
}
