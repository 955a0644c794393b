namespace InfluxBackup.Tsm.Merging;

/// <summary>
/// Walks the indexes of several TSM files at once, in ascending order of keys: at each key it stands on all files that have it.
/// </summary>
internal sealed class MergedIndex : IDisposable
{
    /// <summary>All windows together; one file alone has its usual one.</summary>
    private const int WindowBudget = 8 << 20;
    private const int SmallestWindow = 16 << 10;

    private readonly IReadOnlyList<MergeSource> sources;
    private readonly TsmIndexReader[] readers;

    /// <summary>A binary heap of files by key, then by age: the top is the oldest file with the smallest key.</summary>
    private readonly int[] heap;
    private readonly List<int> current = [];
    private int heapSize;

    public MergedIndex(IReadOnlyList<MergeSource> sources)
    {
        this.sources = sources;
        readers = new TsmIndexReader[sources.Count];
        heap = new int[sources.Count];
        var window = Math.Clamp(WindowBudget / Math.Max(1, sources.Count), SmallestWindow, TsmWindow.Size);
        try
        {
            for (var i = 0; i < readers.Length; i++)
            {
                readers[i] = sources[i].File.ReadIndex(window);
                current.Add(i);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The files that have the key, oldest first. Valid until the next <see cref="Read"/>.</summary>
    public IReadOnlyList<int> Sources => current;

    public ReadOnlySpan<byte> Key => readers[current[0]].Key;

    /// <summary>The index of one file; at the key if the file is among <see cref="Sources"/>.</summary>
    public TsmIndexReader Reader(int source) => readers[source];

    /// <summary>Goes on to the next key. False at the end.</summary>
    public bool Read()
    {
        foreach (var source in current)
        {
            if (ReadKey(source))
            {
                Push(source);
            }
        }
        current.Clear();
        if (heapSize == 0)
        {
            return false;
        }
        do
        {
            current.Add(Pop());
        }
        while (heapSize > 0 && readers[heap[0]].Key.SequenceEqual(readers[current[0]].Key));
        return true;
    }

    /// <summary>The next block that a file has of the key. False after the last.</summary>
    public bool ReadEntry(int source, out TsmIndexEntry entry)
    {
        try
        {
            return readers[source].ReadEntry(out entry);
        }
        catch (TsmFormatException error)
        {
            throw Damaged(source, error);
        }
    }

    private bool ReadKey(int source)
    {
        try
        {
            return readers[source].ReadKey();
        }
        catch (TsmFormatException error)
        {
            throw Damaged(source, error);
        }
    }

    /// <summary>The same error with the name of the file: a merge has many.</summary>
    private TsmFormatException Damaged(int source, TsmFormatException error) => new($"{sources[source].File.FileName}: {error.Message}", error.Offset, error);

    private void Push(int source)
    {
        var at = heapSize++;
        while (at > 0)
        {
            var parent = (at - 1) / 2;
            if (!Precedes(source, heap[parent]))
            {
                break;
            }
            heap[at] = heap[parent];
            at = parent;
        }
        heap[at] = source;
    }

    private int Pop()
    {
        var top = heap[0];
        var last = heap[--heapSize];
        var at = 0;
        while (2 * at + 1 < heapSize)
        {
            var child = 2 * at + 1;
            if (child + 1 < heapSize && Precedes(heap[child + 1], heap[child]))
            {
                child++;
            }
            if (!Precedes(heap[child], last))
            {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        heap[at] = last;
        return top;
    }

    private bool Precedes(int left, int right)
    {
        var order = readers[left].Key.SequenceCompareTo(readers[right].Key);
        return order < 0 || (order == 0 && left < right);
    }

    public void Dispose()
    {
        foreach (var reader in readers)
        {
            reader?.Dispose();
        }
    }
}
