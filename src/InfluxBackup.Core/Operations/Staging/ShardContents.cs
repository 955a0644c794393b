using InfluxBackup.Metadata;
using InfluxBackup.Tsm;
using InfluxBackup.Wal;

namespace InfluxBackup.Operations.Staging;

/// <summary>Counts what the files of one shard hold.</summary>
internal sealed class ShardContents(ShardKey shard) : IShardFileReader, ITsmKeyObserver
{
    private readonly SeriesCounter series = new();
    private long? minTime;
    private long? maxTime;

    public int TsmFiles { get; private set; }

    public int Tombstones { get; private set; }

    /// <summary>Bytes of TSM files and tombstones.</summary>
    public long Bytes { get; private set; }

    public long Points { get; private set; }

    public bool HasPendingDeletes { get; private set; }

    /// <inheritdoc/>
    public void ReadTsm(string name, TsmFile file, CancellationToken cancel)
    {
        series.BeginRun();
        TsmFiles++;
        Bytes += file.Length;
        try
        {
            TsmFileCounter.Count(file, this, cancel);
        }
        catch (TsmFormatException e)
        {
            throw Damaged("TsmFileDamaged", name, e);
        }
    }

    /// <inheritdoc/>
    public void ReadTombstone(string name, Stream content, long length, CancellationToken cancel)
    {
        Tombstones++;
        Bytes += length;
        try
        {
            // One record is enough to know.
            using var tombstones = TombstoneFile.Open(content, name);
            HasPendingDeletes |= tombstones.Read();
        }
        catch (TsmFormatException e)
        {
            throw Damaged("TombstoneDamaged", name, e);
        }
    }

    /// <summary>
    /// A segment of the write-ahead log. A point counts as often as it was written, also when a delete follows; what was deleted says
    /// <see cref="HasPendingDeletes"/>.
    /// </summary>
    public void ReadWal(WalSegmentReader segment, CancellationToken cancel)
    {
        Bytes += segment.Length;
        try
        {
            while (segment.Read())
            {
                cancel.ThrowIfCancellationRequested();
                HasPendingDeletes |= segment.Type != WalEntryType.Write;
                while (segment.Type == WalEntryType.Write && segment.ReadKey())
                {
                    ReadWrite(segment);
                }
            }
        }
        catch (TsmFormatException e)
        {
            throw Damaged("WalSegmentDamaged", segment.FileName, e);
        }

        series.EndUnsorted();
    }

    private void ReadWrite(WalSegmentReader segment)
    {
        series.AddUnsorted(segment.Key);
        var values = segment.Values;
        while (values.Read())
        {
            Points++;
            minTime = Math.Min(minTime ?? values.Time, values.Time);
            maxTime = Math.Max(maxTime ?? values.Time, values.Time);
        }
    }

    /// <inheritdoc/>
    public void OnKey(ReadOnlySpan<byte> key, TsmBlockType type, TsmKeySummary summary)
    {
        series.Add(key);
        Points += summary.Points ?? 0;
        minTime = Math.Min(minTime ?? summary.MinTime, summary.MinTime);
        maxTime = Math.Max(maxTime ?? summary.MaxTime, summary.MaxTime);
    }

    public ShardInfo Describe(ShardInfo info) => info with
    {
        TsmFiles = TsmFiles,
        Tombstones = Tombstones,
        HasPendingDeletes = HasPendingDeletes,
        MeasuredSize = Bytes,
        Series = series.Count(),
        Points = Points,
        FirstPointTime = minTime is { } min ? ShardTime.ToDateTime(min) : null,
        LastPointTime = maxTime is { } max ? ShardTime.ToDateTime(max) : null,
    };

    public void Dispose() => series.Dispose();

    private InfluxBackupException Damaged(string id, string name, TsmFormatException e) =>
        new(id, ErrorKind.InvalidData, $"What {shard} holds can't be counted: '{name}' is damaged at byte {e.Offset}: {e.Message}", e)
        {
            Subject = shard.ToString(),
            Offset = e.Offset,
        };
}
