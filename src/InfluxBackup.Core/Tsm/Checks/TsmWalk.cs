using ICSharpCode.SharpZipLib.Checksum;

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
    private bool hasMoreProblems;
    private TsmIndexReader? index;
    private TsmWindow? blocks;
    private TsmIndexEntry entry;
    private BlockCoverage coverage;
    private bool isFirstBlock;

    public TsmFile File => file;

    /// <summary>The index; there is one as soon as the footer is known to be good.</summary>
    public TsmIndexReader Index => index ?? throw new InvalidOperationException("The index has not been opened.");

    public Crc32 Crc { get; } = new();

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
            AddOfFile(IndexBounds, error.Offset, error.Message);
            return false;
        }
        Keys++;
        return true;
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
        PreviousEntry = previous;
        Blocks++;
        MinTime = Math.Min(MinTime ?? entry.MinTime, entry.MinTime);
        MaxTime = Math.Max(MaxTime ?? entry.MaxTime, entry.MaxTime);
        return true;
    }

    /// <summary>Bytes of the blocks' part of the file, valid until the next call; see <see cref="TsmWindow.Read"/>.</summary>
    public ArraySegment<byte> ReadBlocks(long offset, int length) => blocks!.Read(offset, length);

    /// <summary>Notes a problem of the key at hand.</summary>
    public void Add(string check, long offset, string message) =>
        Add(new TsmProblem(check, offset, Keys == 0 ? null : TsmKey.Describe(Index.Key), message));

    /// <summary>Notes a problem of the file as a whole.</summary>
    public void AddOfFile(string check, long offset, string message) => Add(new TsmProblem(check, offset, null, message));

    private void Add(TsmProblem problem)
    {
        if (problems.Count >= options.MaxProblems)
        {
            hasMoreProblems = true;
            throw new TooManyProblemsException();
        }
        problems.Add(problem);
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
        HasMoreProblems = hasMoreProblems,
    };

    public void Dispose()
    {
        index?.Dispose();
        blocks?.Dispose();
        Points.Dispose();
    }
}

/// <summary>Ends a walk from inside a check. Never leaves <see cref="TsmFileVerifier"/>.</summary>
internal sealed class TooManyProblemsException : Exception;
