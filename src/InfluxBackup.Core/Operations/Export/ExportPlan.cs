using System.Globalization;
using InfluxBackup.Metadata;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations;

/// <summary>What an export will do.</summary>
public sealed record ExportPlan
{
    /// <summary>Where the points come from.</summary>
    public required string Source { get; init; }

    /// <summary>The shards, in the order in which they are exported.</summary>
    public required IReadOnlyList<ShardKey> Shards { get; init; }

    /// <summary>Bytes of the shards' files, where all are known.</summary>
    public long? Bytes { get; init; }

    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Databases and policies with their durations, where the source knows them.</summary>
    internal ServerMetadata? Metadata { get; init; }

    internal IReadOnlyList<ExportUnit> Units { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() => $"{Count.Of(Shards.Count, "shard")} of {Source}{(Bytes is { } bytes ? $", {ByteSize.Format(bytes)}" : "")}";
}

/// <summary>The smallest piece of an export that is done or not: a shard, or a day of one.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="File">The file that it goes into.</param>
/// <param name="Times">Which of its points.</param>
internal sealed record ExportUnit(ExportShard Shard, ExportFileKey File, TimeRange Times)
{
    /// <summary>Names the unit in a journal.</summary>
    public string Id => File.Day is { } day ? $"{Shard.Key.Path}@{day:yyyy-MM-dd}" : Shard.Key.Path;
}

/// <summary>What a file of an export is for; null means all of them.</summary>
internal sealed record ExportFileKey(string? Database, string? RetentionPolicy, ulong? ShardId, DateOnly? Day)
{
    /// <summary>The file's name without ending: the names, made safe for every file system.</summary>
    public string Stem
    {
        get
        {
            var parts = new List<string>();
            if (Database is null)
            {
                parts.Add("export");
            }
            else
            {
                parts.Add(Escape(Database));
                parts.Add(Escape(RetentionPolicy!));
            }

            if (ShardId is { } id)
            {
                parts.Add(id.ToString(CultureInfo.InvariantCulture));
            }

            if (Day is { } day)
            {
                parts.Add(day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
            }

            return string.Join('.', parts);
        }
    }

    /// <summary>Letters, digits, dash and underscore stay; everything else, the dot between the parts too, becomes %XX.</summary>
    private static string Escape(string name) => Uri.EscapeDataString(name).Replace(".", "%2E", StringComparison.Ordinal).Replace("~", "%7E", StringComparison.Ordinal);
}
