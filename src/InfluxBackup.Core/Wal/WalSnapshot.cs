using System.Globalization;
using InfluxBackup.Tsm;

namespace InfluxBackup.Wal;

/// <summary>Where a snapshot goes, and how much memory it may take.</summary>
public sealed record WalSnapshotOptions
{
    /// <summary>A directory of the caller's, best an empty one; the files are written into it and stay there.</summary>
    public required string Directory { get; init; }

    /// <summary>The generation in the name of the first file: one above those of the shard's TSM files.</summary>
    public int FirstGeneration { get; init; } = 1;

    /// <summary>Bytes of points and keys that wait in memory before they are written. The process takes more beside it: what the collector has not yet given back, and the largest entry of the log.</summary>
    public int MemoryBudget { get; init; } = 24 << 20;
}

/// <summary>One file of a snapshot.</summary>
/// <param name="TsmFile">Its path, <c>NNNNNNNNN-000000001.tsm</c>.</param>
/// <param name="TombstoneFile">The path of the tombstone file beside it; null where no later delete concerns it.</param>
/// <param name="Points">How many points it has, deleted ones included.</param>
public sealed record WalRun(string TsmFile, string? TombstoneFile, long Points);

/// <summary>What became of a log.</summary>
/// <param name="Runs">The files in the order of their names: newer ones win. They are newer than all TSM files of the shard.</param>
/// <param name="Warnings">What could not be read, and where.</param>
public sealed record WalSnapshotResult(IReadOnlyList<WalRun> Runs, IReadOnlyList<string> Warnings);

/// <summary>
/// Turns the WAL segments of one shard into TSM files, as a server does with its cache: entries in their order, of several points
/// at one time the last one, deletes from what there is so far.
/// </summary>
/// <remarks>
/// <para>When the cache is full it is written as a file, a run, and the next one begins. A delete concerns the cache and all
/// runs before it; those get a tombstone file in the end, so that any reader of TSM files applies it. The deletes are then read from
/// the log again, once for each run, and not kept in memory.</para>
/// <para>Times: n log n in the points of a run; each delete looks once at each run before it.</para>
/// </remarks>
public sealed class WalSnapshot
{
    /// <summary>A field changes its type when it has been dropped. This many times within one log is damage, and a file for each.</summary>
    private const int MostTypeChanges = 1000;

    private const int LargestMemoryBudget = 1 << 30;

    private const int HighestGeneration = 999_999_999;

    private readonly WalSnapshotOptions options;
    private readonly IReadOnlyList<string> segments;
    private readonly WalRunWriter writer;
    private WalCache cache = new();
    private readonly List<Run> runs = [];
    private readonly List<string> warnings = [];
    private readonly long[] validLengths;
    private Position now;
    private Position? lastDelete;
    private int typeChanges;
    private long notNumbers;

    private WalSnapshot(IReadOnlyList<string> segments, WalSnapshotOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MemoryBudget);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MemoryBudget, LargestMemoryBudget);
        this.segments = segments;
        this.options = options;
        validLengths = new long[segments.Count];
        writer = new WalRunWriter(options.Directory);
    }

    /// <summary>A place in the log: an entry of a segment.</summary>
    private readonly record struct Position(int Segment, long Offset) : IComparable<Position>
    {
        public int CompareTo(Position other) => Segment != other.Segment ? Segment.CompareTo(other.Segment) : Offset.CompareTo(other.Offset);
    }

    /// <param name="End">The entry in which it ended. It holds nothing of later entries.</param>
    private sealed record Run(string Path, long Points, Position End);

    /// <summary>Writes the files.</summary>
    /// <param name="segments">Paths of the segments, in the order of their names.</param>
    /// <param name="options">Where to, and how.</param>
    /// <param name="cancel">Leaves the files behind that were written so far.</param>
    /// <exception cref="TsmFormatException">The log is damaged in a way that no server would go on with.</exception>
    public static WalSnapshotResult Write(IReadOnlyList<string> segments, WalSnapshotOptions options, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(segments);
        ArgumentNullException.ThrowIfNull(options);
        return new WalSnapshot(segments, options).Write(cancel);
    }

    private WalSnapshotResult Write(CancellationToken cancel)
    {
        for (var i = 0; i < segments.Count; i++)
        {
            using var segment = WalSegmentReader.Open(segments[i]);
            while (segment.Read())
            {
                cancel.ThrowIfCancellationRequested();
                now = new Position(i, segment.Offset);
                Apply(segment, cancel);
            }
            validLengths[i] = segment.EndOffset;
            if (segment.Warning is { } warning)
            {
                warnings.Add(warning);
            }
        }
        EndRun(cancel);
        if (notNumbers > 0)
        {
            warnings.Add(string.Create(CultureInfo.InvariantCulture, $"{notNumbers} values in the WAL are not numbers (NaN) and are left out."));
        }
        // The keys of one run after another take its place.
        cache = new WalCache();
        var keys = new WalKeys();
        return new WalSnapshotResult(runs.Select(r => new WalRun(r.Path, WriteTombstones(r, keys, cancel), r.Points)).ToList(), warnings);
    }

    private void Apply(WalSegmentReader segment, CancellationToken cancel)
    {
        while (segment.ReadKey())
        {
            if (segment.Type == WalEntryType.Write)
            {
                Add(segment.Key, segment.Values, cancel);
                continue;
            }
            cache.Delete(segment.Key, new TimeRange(segment.MinTime, segment.MaxTime));
            lastDelete = now;
            EndFullRun(cancel);
        }
    }

    private void Add(ReadOnlySpan<byte> key, WalValues values, CancellationToken cancel)
    {
        var number = -1;
        while (values.Read())
        {
            if (values.Type == TsmBlockType.Float && double.IsNaN(values.Float))
            {
                notNumbers++;
                continue;
            }
            if (number < 0)
            {
                number = BeginKey(key, values.Type, cancel);
            }
            cache.Add(number, values);
            if (EndFullRun(cancel))
            {
                number = -1;
            }
        }
    }

    private int BeginKey(ReadOnlySpan<byte> key, TsmBlockType type, CancellationToken cancel)
    {
        var number = cache.BeginKey(key, type);
        if (number >= 0)
        {
            return number;
        }
        if (++typeChanges > MostTypeChanges)
        {
            throw new TsmFormatException(
                $"The type of fields changes more than {MostTypeChanges} times in the WAL, last at offset {now.Offset} of '{segments[now.Segment]}', of {TsmKey.Describe(key)}.", now.Offset);
        }
        EndRun(cancel);
        return cache.BeginKey(key, type);
    }

    private bool EndFullRun(CancellationToken cancel)
    {
        var isFull = cache.Size >= options.MemoryBudget;
        if (isFull)
        {
            EndRun(cancel);
        }
        return isFull;
    }

    private void EndRun(CancellationToken cancel)
    {
        if (!cache.IsEmpty)
        {
            var generation = options.FirstGeneration + runs.Count;
            if (generation is < 1 or > HighestGeneration)
            {
                throw new InvalidOperationException($"Generation {generation} of a TSM file can't be written with nine digits.");
            }
            var name = string.Create(CultureInfo.InvariantCulture, $"{generation:D9}-000000001.tsm");
            var points = writer.Write(cache, name, cancel);
            if (points > 0)
            {
                runs.Add(new Run(Path.Combine(options.Directory, name), points, now));
            }
        }
        cache.Clear();
    }

    /// <summary>
    /// Writes the deletes that came after a run, of the keys that it has. The entry in which it ended counts as well: if that
    /// deletes, then the run has nothing that came after.
    /// </summary>
    private string? WriteTombstones(Run run, WalKeys keys, CancellationToken cancel)
    {
        if (lastDelete is not { } last || last.CompareTo(run.End) < 0)
        {
            return null;
        }
        ReadKeys(run.Path, keys);
        var path = Path.ChangeExtension(run.Path, ".tombstone");
        using (var file = WalRunWriter.Create(path))
        {
            using var tombstones = new TombstoneWriter(file);
            for (var i = run.End.Segment; i <= last.Segment; i++)
            {
                using var segment = WalSegmentReader.Open(segments[i]);
                segment.SkipsWrites = true;
                segment.Seek(i == run.End.Segment ? run.End.Offset : 0);
                while (segment.Read() && segment.Offset < validLengths[i])
                {
                    cancel.ThrowIfCancellationRequested();
                    WriteTombstones(segment, keys, tombstones);
                }
            }
            if (tombstones.Records > 0)
            {
                return path;
            }
        }
        File.Delete(path);
        return null;
    }

    private static void WriteTombstones(WalSegmentReader deletes, WalKeys keys, TombstoneWriter tombstones)
    {
        while (deletes.ReadKey())
        {
            if (keys.Find(deletes.Key) >= 0)
            {
                tombstones.Write(deletes.Key, new TimeRange(deletes.MinTime, deletes.MaxTime));
            }
        }
    }

    private static void ReadKeys(string path, WalKeys keys)
    {
        keys.Clear();
        using var file = TsmFile.Open(path);
        using var index = file.ReadIndex();
        while (index.ReadKey())
        {
            keys.Intern(index.Key);
        }
    }
}
