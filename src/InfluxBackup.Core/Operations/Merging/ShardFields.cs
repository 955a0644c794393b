using InfluxBackup.Metadata;
using InfluxBackup.Operations.Staging;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations;

/// <summary>
/// Which fields a shard has, of which types, and between which times its points lie; deleted points don't count. Reads indexes and
/// tombstones, no block. Memory is that of the names, and of one file's deletes.
/// </summary>
internal sealed class ShardFields(ShardKey shard) : IShardFileReader
{
    private readonly Dictionary<KeyBytes, TsmBlockType> types = new(KeyBytes.Comparer);
    private readonly Dictionary<KeyBytes, FieldName> names = new(KeyBytes.Comparer);
    private byte[] lookup = new byte[256];
    private (string Tsm, TombstoneRanges Ranges) deletes = ("", TombstoneRanges.None);

    /// <summary>The fields.</summary>
    public IEnumerable<KeyValuePair<FieldName, TsmBlockType>> Types => types.Select(t => KeyValuePair.Create(names[t.Key], t.Value));

    /// <summary>From the first point to the last; null where the shard has none. At a cut block a deleted point may be an end.</summary>
    public TimeRange? Times { get; private set; }

    /// <summary>Deletes that the server had not yet worked into the files.</summary>
    public long PendingDeletes { get; private set; }

    public List<string> Warnings { get; } = [];

    /// <inheritdoc/>
    /// <exception cref="InfluxBackupException">The index is damaged, or a field has points of two types.</exception>
    public void ReadTsm(string name, TsmFile file, CancellationToken cancel)
    {
        var own = deletes.Tsm == name ? deletes.Ranges : TombstoneRanges.None;
        try
        {
            using var index = file.ReadIndex();
            while (index.ReadKey())
            {
                cancel.ThrowIfCancellationRequested();
                if (RemainingTimes(index, own.Find(index.Key)) is { } times)
                {
                    Times = Times is { } all ? new TimeRange(Math.Min(all.Min, times.Min), Math.Max(all.Max, times.Max)) : times;
                    Add(index.Key, index.Type, name);
                }
            }
        }
        catch (TsmFormatException e)
        {
            throw Damaged("TsmFileDamaged", name, e.Message, e);
        }
    }

    /// <inheritdoc/>
    /// <remarks>By their names, tombstones come before the files that they belong to.</remarks>
    public void ReadTombstone(string name, Stream content, long length, CancellationToken cancel)
    {
        try
        {
            using var file = TombstoneFile.Open(content, name);
            var ranges = TombstoneRanges.Load(file, cancel);
            PendingDeletes += ranges.Records;
            if (ranges.Warning is { } warning)
            {
                Warnings.Add($"'{name}' of {shard}: {warning}");
            }

            deletes = (Transfer.ShardFileName.TsmOf(name), ranges);
        }
        catch (TsmFormatException e)
        {
            throw Damaged("TombstoneDamaged", name, $"Which points are deleted can't be told: {e.Message}", e);
        }
    }

    public void Dispose()
    {
    }

    /// <summary>From the first to the last block that is not deleted as a whole; null if all are.</summary>
    private static TimeRange? RemainingTimes(TsmIndexReader index, ReadOnlySpan<TimeRange> deleted)
    {
        TimeRange? times = null;
        while (index.ReadEntry(out var entry))
        {
            var block = new TimeRange(entry.MinTime, entry.MaxTime);
            if (!Covers(deleted, block))
            {
                times = new TimeRange(times?.Min ?? block.Min, block.Max);
            }
        }

        return times;
    }

    private static bool Covers(ReadOnlySpan<TimeRange> deleted, TimeRange block)
    {
        foreach (var range in deleted)
        {
            if (range.Contains(block))
            {
                return true;
            }
        }

        return false;
    }

    private void Add(ReadOnlySpan<byte> key, TsmBlockType type, string file)
    {
        if (!TsmKey.TrySplit(key, out var series, out var field) || !type.IsKnown())
        {
            throw new TsmFormatException($"The key {TsmKey.Describe(key)} has no field, or is of {type.Describe()}.");
        }

        var measurement = TsmKey.MeasurementOf(series);
        var length = measurement.Length + TsmKey.Separator.Length + field.Length;
        if (lookup.Length < length)
        {
            lookup = new byte[2 * length];
        }

        measurement.CopyTo(lookup);
        TsmKey.Separator.CopyTo(lookup.AsSpan(measurement.Length));
        field.CopyTo(lookup.AsSpan(measurement.Length + TsmKey.Separator.Length));
        var id = new KeyBytes(lookup, length);
        if (!types.TryGetValue(id, out var known))
        {
            var kept = id.Copy();
            types.Add(kept, type);
            names.Add(kept, FieldName.Of(measurement, field));
        }
        else if (known != type)
        {
            var name = FieldName.Of(measurement, field);
            throw new InfluxBackupException(
                "FieldTypesDiffer", ErrorKind.InvalidData, $"{Capital(name)} has {FieldTypeName.Of(known)} and {FieldTypeName.Of(type)} values within {shard} ('{file}'). A server takes no shard with both.")
            {
                Subject = shard.ToString(),
            };
        }
    }

    private InfluxBackupException Damaged(string id, string name, string what, Exception inner) =>
        new(id, ErrorKind.InvalidData, $"The archive of {shard} holds '{name}', which is damaged. {what}", inner)
        {
            Subject = shard.ToString(),
            Remedy = "Leave the shard out with -AllowPartial (--allow-partial), or merge another backup.",
        };

    private static string Capital(FieldName name) => string.Concat("F", name.ToString().AsSpan(1));
}
