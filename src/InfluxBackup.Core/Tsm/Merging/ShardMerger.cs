using System.Buffers;

namespace InfluxBackup.Tsm.Merging;

/// <summary>What came of the copies of a shard.</summary>
public sealed record ShardMergeReport
{
    /// <summary>The files, in the order of their names; none where no copy has a point.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>Points in them: values of one field at one time.</summary>
    public required long Points { get; init; }

    /// <summary>Those of them that at least one copy did not have.</summary>
    public required long Missing { get; init; }

    /// <summary>Those of them that copies had with different values; the freshest copy's was taken.</summary>
    public required long Different { get; init; }

    /// <summary>
    /// Points that are not in the files, because their field has another type in the freshest copy that has it. A shard with both does not
    /// open any more.
    /// </summary>
    public required long OfOtherType { get; init; }

    /// <summary>Whether all copies held the same.</summary>
    public bool Agree => Missing == 0 && Different == 0 && OfOtherType == 0;
}

/// <summary>
/// Makes one set of TSM files of several copies of a shard, as the owners of a cluster have them: each point once. Where values differ the
/// freshest copy's is taken. What any copy has is in the result, also what only one has; so a point that was deleted while one owner was
/// away, and is gone from the others, comes back. Blocks that all copies have alike are copied as they are.
/// </summary>
/// <remarks>
/// Memory: windows into the files, the index entries of one key and a block of it in each file that has points at one time, and what
/// <see cref="TombstoneRanges"/> says of the deletes of all files.
/// </remarks>
public sealed class ShardMerger : IDisposable
{
    /// <summary>Servers' compactions end files at 2 GiB.</summary>
    public const long LargestFile = 2_000_000_000;

    private readonly List<MergeSource> sources;
    private readonly int[] copyOf;
    private readonly MergedIndex index;
    private readonly BlockReader reader;
    private readonly TsmFileSeries output;
    private readonly Copy[] copies;
    private readonly List<Copy> alive = [];
    private readonly List<Copy> first = [];
    private readonly ArrayBufferWriter<byte> body = new();
    private byte[] key = [];
    private long points;
    private long missing;
    private long different;
    private long ofOtherType;

    private ShardMerger(IReadOnlyList<IReadOnlyList<MergeSource>> copies, Func<string, Stream> create, string? spoolDirectory, long largestFile)
    {
        sources = copies.SelectMany(c => c).ToList();
        copyOf = copies.SelectMany((copy, i) => copy.Select(_ => i)).ToArray();
        this.copies = copies.Select((_, i) => new Copy(i)).ToArray();
        index = new MergedIndex(sources);
        reader = new BlockReader(sources, onDamage: null);
        output = new TsmFileSeries(create, spoolDirectory, largestFile);
    }

    /// <summary>Merges.</summary>
    /// <param name="copies">The files of each copy, oldest first; the freshest copy last.</param>
    /// <param name="create">Makes a file of this name for the result. The merger disposes of it.</param>
    /// <param name="spoolDirectory">Where a large index waits meanwhile.</param>
    /// <param name="cancel">Asked at each key.</param>
    /// <param name="largestFile">A file is ended before it has more bytes.</param>
    /// <exception cref="TsmFormatException">A file is damaged; the message names it. What was written is no shard then.</exception>
    public static ShardMergeReport Merge(
        IReadOnlyList<IReadOnlyList<MergeSource>> copies, Func<string, Stream> create, string? spoolDirectory, CancellationToken cancel, long largestFile = LargestFile)
    {
        ArgumentNullException.ThrowIfNull(copies);
        using var merger = new ShardMerger(copies, create, spoolDirectory, largestFile);
        while (merger.index.Read())
        {
            cancel.ThrowIfCancellationRequested();
            merger.MergeKey();
        }
        merger.output.Complete();
        return new ShardMergeReport
        {
            Files = merger.output.Names,
            Points = merger.points,
            Missing = merger.missing,
            Different = merger.different,
            OfOtherType = merger.ofOtherType,
        };
    }

    private void MergeKey()
    {
        var type = TakeBlocks();
        output.BeginKey(index.Key, type);
        if (IsAlike())
        {
            MergeBlockByBlock();
        }
        else
        {
            foreach (var copy in copies)
            {
                copy.Start(key.AsSpan(0, index.Key.Length), 0, copy.Blocks.Count, reader);
            }
            MergePoints();
        }
    }

    /// <summary>Gathers the blocks of the key, of each copy on its own. Returns their type, which is that of the freshest file.</summary>
    private TsmBlockType TakeBlocks()
    {
        if (key.Length < index.Key.Length)
        {
            key = new byte[Math.Max(index.Key.Length, 256)];
        }
        index.Key.CopyTo(key);
        foreach (var copy in copies)
        {
            copy.Blocks.Clear();
            copy.Files = 0;
        }
        var type = index.Reader(index.Sources[^1]).Type;
        foreach (var source in index.Sources)
        {
            var copy = copies[copyOf[source]];
            var found = index.Reader(source);
            var start = copy.Blocks.Count;
            while (index.ReadEntry(source, out var entry))
            {
                copy.Blocks.Add(entry.FitsIn(found.Start)
                    ? new SeriesBatch.Block(source, found.Type, entry)
                    : throw new TsmFormatException($"{sources[source].File.FileName}: The block at offset {entry.Offset} ({entry.Size} bytes) does not lie between header and index. {TsmKey.Describe(index.Key)}", found.EntryOffset));
            }
            if (found.Type != type)
            {
                copy.Start(index.Key, start, copy.Blocks.Count, reader);
                ofOtherType += copy.CountToEnd();
                copy.Blocks.RemoveRange(start, copy.Blocks.Count - start);
            }
            else
            {
                copy.Files++;
            }
        }
        return type;
    }

    /// <summary>Whether every copy has the key in one file, without deletes, in blocks of the same times.</summary>
    private bool IsAlike()
    {
        var model = copies[0].Blocks;
        foreach (var copy in copies)
        {
            if (copy.Files != 1 || copy.Blocks.Count != model.Count || !sources[copy.Blocks[0].Source].Deletes.Find(index.Key).IsEmpty)
            {
                return false;
            }
            for (var i = 0; i < model.Count; i++)
            {
                if (copy.Blocks[i].Entry.MinTime != model[i].Entry.MinTime || copy.Blocks[i].Entry.MaxTime != model[i].Entry.MaxTime)
                {
                    return false;
                }
            }
        }
        return true;
    }

    private void MergeBlockByBlock()
    {
        for (var i = 0; i < copies[0].Blocks.Count; i++)
        {
            if (TryReadAlike(i))
            {
                var entry = copies[0].Blocks[i].Entry;
                points += CountOf(body.WrittenSpan, copies[0].Blocks[i]);
                output.Add(entry.MinTime, entry.MaxTime, body.WrittenSpan);
                continue;
            }
            foreach (var copy in copies)
            {
                copy.Start(key.AsSpan(0, index.Key.Length), i, i + 1, reader);
            }
            MergePoints();
        }
    }

    private bool TryReadAlike(int block)
    {
        foreach (var copy in copies)
        {
            var bytes = Read(copy.Blocks[block]);
            if (copy == copies[0])
            {
                body.ResetWrittenCount();
                body.Write(bytes);
            }
            else if (!bytes.SequenceEqual(body.WrittenSpan))
            {
                return false;
            }
        }
        return true;
    }

    private ReadOnlySpan<byte> Read(SeriesBatch.Block block)
    {
        try
        {
            return reader.ReadBody(block);
        }
        catch (TsmFormatException error)
        {
            throw Damaged(block, error);
        }
    }

    private long CountOf(ReadOnlySpan<byte> body, SeriesBatch.Block block)
    {
        try
        {
            return (long)Codecs.TimestampCodec.Count(TsmBlock.Parse(body).Times);
        }
        catch (TsmFormatException error)
        {
            throw Damaged(block, error);
        }
    }

    private TsmFormatException Damaged(SeriesBatch.Block block, TsmFormatException error) =>
        new($"{sources[block.Source].File.FileName}: the block at offset {block.Entry.Offset} is damaged: {error.Message} {TsmKey.Describe(index.Key)}", block.Entry.BlockOffset + error.Offset, error);

    /// <summary>Takes what comes first from the copies, as many points at once as the same copies have alike.</summary>
    private void MergePoints()
    {
        alive.Clear();
        alive.AddRange(copies);
        while (true)
        {
            alive.RemoveAll(copy => !copy.Column.Load());
            if (alive.Count == 0)
            {
                return;
            }
            var time = long.MaxValue;
            foreach (var copy in alive)
            {
                time = Math.Min(time, copy.Column.Head);
            }
            first.Clear();
            var (limit, isLimited) = (long.MaxValue, false);
            foreach (var copy in alive)
            {
                if (copy.Column.Head == time)
                {
                    first.Add(copy);
                }
                else
                {
                    (limit, isLimited) = (Math.Min(limit, copy.Column.Head), true);
                }
            }
            TakeFirst(isLimited ? limit : null);
        }
    }

    private void TakeFirst(long? limit)
    {
        var freshest = first[^1].Column;
        var times = limit is { } end ? freshest.Times[..TimeSearch.FirstAtOrAfter(freshest.Times, end)] : freshest.Times;
        var count = times.Length;
        var alike = count;
        foreach (var copy in first)
        {
            var column = copy.Column;
            if (column != freshest)
            {
                var most = Math.Min(count, column.Times.Length);
                count = times[..most].CommonPrefixLength(column.Times[..most]);
                alike = Math.Min(alike, count);
                alike = freshest.Points.CommonValues(freshest.From, column.Points, column.From, alike);
            }
        }
        if (alike == 0)
        {
            different++;
            alike = 1;
        }
        output.Add(freshest.Points, freshest.From, alike);
        points += alike;
        missing += first.Count < copies.Length ? alike : 0;
        foreach (var copy in first)
        {
            copy.Column.Skip(alike);
        }
    }

    public void Dispose()
    {
        index.Dispose();
        foreach (var copy in copies)
        {
            copy.Column.Dispose();
        }
        reader.Dispose();
        output.Dispose();
    }

    /// <summary>One copy: its blocks of the key at hand, and a reader of the points in them.</summary>
    private sealed class Copy(int number)
    {
        private readonly SeriesBatch batch = new();

        public List<SeriesBatch.Block> Blocks { get; } = [];

        /// <summary>How many files have the key.</summary>
        public int Files { get; set; }

        public ColumnReader Column { get; } = new();

        /// <summary>Starts with the points of some of the blocks.</summary>
        public void Start(ReadOnlySpan<byte> key, int from, int to, BlockReader reader)
        {
            batch.Clear();
            for (var i = from; i < to; i++)
            {
                batch.AddBlock(Blocks[i]);
            }
            batch.AddColumn(key, 0);
            batch.AddSeries(key.Length, 0, TimeRange.Everything);
            Column.Start(number, batch, batch.Columns(batch.GetSeries(0))[0], TimeRange.Everything, reader);
        }

        public long CountToEnd()
        {
            var count = 0L;
            while (Column.Load())
            {
                count += Column.Times.Length;
                Column.Skip(Column.Times.Length);
            }
            return count;
        }
    }
}
