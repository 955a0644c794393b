namespace InfluxBackup.Tsm.Checks;

/// <summary>
/// A walk through a TSM file in the order of its index, for the checks: where it stands, what it has seen, and what was
/// found wrong so far.
/// </summary>
internal sealed class TsmWalk(TsmFile file, TsmVerifyOptions options) : IDisposable
{
    /// <summary>The name of the problem that ends the walk: an index entry that does not fit into the index.</summary>
    public const string IndexBounds = "IndexBounds";

    private readonly List<TsmProblem> problems = [];
    private long moreProblems;
    private bool keyIsRead;
    private TsmIndexReader? index;
    private TsmWindow? blocks;
    private TsmIndexEntry entry;
    private BlockCoverage coverage;
    private bool isFirstBlock;
    private bool isInBlock;
    private long pointsBefore;
    private TsmKeySummary key;

    public TsmFile File => file;

    /// <summary>The index; there is one as soon as the footer is known to be good.</summary>
    public TsmIndexReader Index => index ?? throw new InvalidOperationException("The index has not been opened.");

    public GzipChecksum Crc { get; } = new();

    /// <summary>The entry of the block at hand.</summary>
    public ref readonly TsmIndexEntry Entry => ref entry;

    /// <summary>The entry before it, of the same key.</summary>
    public TsmIndexEntry? PreviousEntry { get; private set; }

    /// <summary>The points of the block at hand, after it was unpacked.</summary>
    public TsmPoints Points { get; } = new();

    /// <summary>Number of times and values of the block at hand.</summary>
    public PointCounts PointCounts { get; set; }

    /// <summary>The space that the blocks of the index take.</summary>
    public ref BlockCoverage Coverage => ref coverage;

    public long Keys { get; private set; }
    public long Blocks { get; private set; }
    public long PointCount { get; set; }
    public long? MinTime { get; private set; }
    public long? MaxTime { get; private set; }

    public void OpenIndex(long start)
    {
        index = new TsmIndexReader(file, start, strict: false);
        blocks = new TsmWindow(file, start);
    }

    /// <summary>Goes to the next key. What does not fit into the index ends the walk.</summary>
    public bool NextKey()
    {
        isFirstBlock = true;
        isInBlock = false;
        keyIsRead = false;
        try
        {
            if (!Index.ReadKey())
            {
                return false;
            }
        }
        catch (TsmFormatException error)
        {
            // Nothing after this place can be found any more.
            coverage.GiveUp();
            keyIsRead = Index.KeyIsRead;
            var last = keyIsRead ? Index.PreviousKey : Index.Key;
            Add(IndexBounds, error.Offset, Keys == 0
                ? $"{error.Message} None of the file's points can be found."
                : $"{error.Message} Only the {Keys} keys up to {TsmKey.Describe(last)} can be read.");
            return false;
        }
        Keys++;
        keyIsRead = true;
        pointsBefore = PointCount;
        key = new TsmKeySummary(long.MaxValue, long.MinValue, 0, null);
        return true;
    }

    /// <summary>Tells whoever wants to know of the key at hand, after its last block.</summary>
    public void EndKey()
    {
        if (options.Observer is { } observer && key.Blocks > 0)
        {
            observer.OnKey(Index.Key, Index.Type, key with { Points = options.DecodeBlocks ? PointCount - pointsBefore : null });
        }
    }

    /// <summary>Goes to the next block of the key.</summary>
    public bool NextBlock()
    {
        TsmIndexEntry? previous = isFirstBlock ? null : entry;
        if (!Index.ReadEntry(out entry))
        {
            return false;
        }
        isFirstBlock = false;
        isInBlock = true;
        PreviousEntry = previous;
        Blocks++;
        MinTime = Math.Min(MinTime ?? entry.MinTime, entry.MinTime);
        MaxTime = Math.Max(MaxTime ?? entry.MaxTime, entry.MaxTime);
        key = key with { MinTime = Math.Min(key.MinTime, entry.MinTime), MaxTime = Math.Max(key.MaxTime, entry.MaxTime), Blocks = key.Blocks + 1 };
        return true;
    }

    /// <summary>Bytes of the blocks' part of the file, valid until the next call; see <see cref="TsmWindow.Read"/>.</summary>
    public ReadOnlySpan<byte> ReadBlocks(long offset, int length) => blocks!.Read(offset, length);

    /// <summary>Notes a problem of the key, and of the block, at hand.</summary>
    public void Add(string check, long offset, string message)
    {
        if (IsOneTooMany())
        {
            return;
        }
        if (!keyIsRead)
        {
            problems.Add(new TsmProblem(check, offset, null, message));
            return;
        }
        var (series, field) = TsmKey.DescribeParts(Index.Key);
        problems.Add(new TsmProblem(check, offset, TsmKey.Describe(Index.Key), message)
        {
            Series = series,
            Field = field,
            MinTime = isInBlock ? entry.MinTime : null,
            MaxTime = isInBlock ? entry.MaxTime : null,
        });
    }

    /// <summary>Notes a problem of the file as a whole.</summary>
    public void AddOfFile(string check, long offset, string message)
    {
        if (!IsOneTooMany())
        {
            problems.Add(new TsmProblem(check, offset, null, message));
        }
    }

    /// <summary>What is too much to be told is counted.</summary>
    private bool IsOneTooMany()
    {
        if (problems.Count < options.MaxProblems)
        {
            return false;
        }
        moreProblems++;
        return true;
    }

    public TsmFileReport Report() => new()
    {
        FileName = file.FileName,
        Keys = Keys,
        Blocks = Blocks,
        Points = options.DecodeBlocks ? PointCount : null,
        MinTime = MinTime,
        MaxTime = MaxTime,
        Problems = problems,
        MoreProblems = moreProblems,
    };

    public void Dispose()
    {
        index?.Dispose();
        blocks?.Dispose();
        Points.Dispose();
    }
}
