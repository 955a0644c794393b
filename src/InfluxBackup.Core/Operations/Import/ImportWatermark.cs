using InfluxBackup.LineProtocol;

namespace InfluxBackup.Operations;

/// <summary>A place in a source, with what has to be known to go on there.</summary>
/// <param name="Offset">Bytes of text before it, unpacked.</param>
/// <param name="Number">Number of the line that begins there.</param>
/// <param name="Context">What the source has said of database and policy.</param>
internal sealed record ImportPosition(long Offset, long Number, ScriptContext Context);

/// <summary>Where a batch began.</summary>
internal sealed class ImportMark(ImportPosition position)
{
    public ImportPosition Position { get; } = position;

    /// <summary>Set by the watermark alone.</summary>
    public bool IsDone { get; set; }
}

/// <summary>
/// Knows up to where everything is dealt with. Batches begin in the order of the source and end in any order; the first line of the
/// oldest one that is not done is the mark.
/// </summary>
internal sealed class ImportWatermark
{
    private readonly object gate = new();
    private readonly Queue<ImportMark> open = new();
    private ImportPosition? read;

    /// <summary>The mark; null while nothing is known that one could go on with.</summary>
    public ImportPosition? Position
    {
        get
        {
            lock (gate)
            {
                return open.TryPeek(out var oldest) ? oldest.Position : read;
            }
        }
    }

    /// <summary>A batch begins with the line at this place.</summary>
    public ImportMark Begin(ImportPosition position)
    {
        var mark = new ImportMark(position);
        lock (gate)
        {
            open.Enqueue(mark);
        }

        return mark;
    }

    /// <summary>All lines of a batch are acknowledged or rejected.</summary>
    public void End(ImportMark mark)
    {
        lock (gate)
        {
            mark.IsDone = true;
            while (open.TryPeek(out var oldest) && oldest.IsDone)
            {
                open.Dequeue();
            }
        }
    }

    /// <summary>Where the reader stands: the mark when no batch is open.</summary>
    public void MoveTo(ImportPosition position)
    {
        lock (gate)
        {
            read = position;
        }
    }
}
