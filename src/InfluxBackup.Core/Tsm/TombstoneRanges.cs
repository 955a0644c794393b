namespace InfluxBackup.Tsm;

/// <summary>
/// The deletes of one TSM file, to be looked up key by key: each key once, its ranges of time merged. Any number of threads may
/// ask at once.
/// </summary>
/// <remarks>
/// Memory: for each different key what distinguishes it from the one before and some 6 bytes, and 16 bytes for each range that
/// its neighbour has not; at most twice that while the file is read, and a batch of a fourth as many records, of key and 24 bytes each.
/// However often a file repeats itself, only its different keys count. A restore of a shard with a million deleted keys of 61 bytes was
/// measured to peak 50 MB above one without deletes where they came in order, as a server writes those of one delete, and 200 MB
/// above it where each came three times, at random.
/// </remarks>
public sealed class TombstoneRanges
{
    private readonly DeletedKeys keys;

    internal TombstoneRanges(DeletedKeys keys) => this.keys = keys;

    /// <summary>No deletes at all.</summary>
    public static TombstoneRanges None { get; } = new(new DeletedKeys());

    /// <summary>How many keys have deletes.</summary>
    public int Keys => keys.Count;

    public bool IsEmpty => keys.Count == 0;

    /// <summary>How many records the file had.</summary>
    public long Records { get; private init; }

    /// <summary>Set if the file ends in the middle of something; see <see cref="TombstoneFile.Warning"/>.</summary>
    public string? Warning { get; private init; }

    /// <summary>
    /// Reads a tombstone file to its end. Throws <see cref="TsmFormatException"/> if it is damaged; of one that is cut the
    /// whole records are taken, as the server does, and <see cref="Warning"/> says so.
    /// </summary>
    public static TombstoneRanges Load(TombstoneFile file, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(file);
        var collector = new TombstoneCollector();
        while (file.Read())
        {
            if (file.Records % 1024 == 0)
            {
                cancel.ThrowIfCancellationRequested();
            }
            collector.Add(file.Key, new TimeRange(file.MinTime, file.MaxTime));
        }
        return new TombstoneRanges(collector.Conclude().keys) { Records = file.Records, Warning = file.Warning };
    }

    /// <summary>What is deleted of a composite key: ascending, disjoint, not even touching. Empty where nothing is.</summary>
    public ReadOnlySpan<TimeRange> Find(ReadOnlySpan<byte> key) => keys.Find(key);
}
