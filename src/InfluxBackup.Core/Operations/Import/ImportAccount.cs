namespace InfluxBackup.Operations;

/// <summary>What the lanes of an import have achieved so far; they count at the same time.</summary>
internal sealed class ImportAccount
{
    private long written;
    private long batches;
    private long retries;
    private long bytes;
    private int bodyLimit = int.MaxValue;
    private int isOut;

    public long Written => Interlocked.Read(ref written);

    public long Batches => Interlocked.Read(ref batches);

    public long Retries => Interlocked.Read(ref retries);

    public long Bytes => Interlocked.Read(ref bytes);

    /// <summary>Longest body that the server takes, as far as it has shown.</summary>
    public int BodyLimit => Volatile.Read(ref bodyLimit);

    public void Acknowledge(int lines, int length)
    {
        Interlocked.Add(ref written, lines);
        Interlocked.Add(ref bytes, length);
        Interlocked.Increment(ref batches);
    }

    /// <summary>Lines of a request that were stored although others of it were refused.</summary>
    public void AcknowledgePart(int lines) => Interlocked.Add(ref written, lines);

    public void Retry() => Interlocked.Increment(ref retries);

    /// <summary>A request has to be repeated; true for the first lane that says so.</summary>
    public bool BeginOutage() => Interlocked.Exchange(ref isOut, 1) == 0;

    /// <summary>A request was answered; true for the first lane that says so after an outage.</summary>
    public bool EndOutage() => Volatile.Read(ref isOut) == 1 && Interlocked.Exchange(ref isOut, 0) == 1;

    /// <summary>A body of this length was too large.</summary>
    public void Limit(int length)
    {
        var half = Math.Max(1, length / 2);
        if (half < BodyLimit)
        {
            Volatile.Write(ref bodyLimit, half);
        }
    }
}
