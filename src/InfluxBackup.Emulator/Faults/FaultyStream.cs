namespace InfluxBackup.Emulator;

/// <summary>
/// A connection on which the faults of its request happen: cuts, stalls, resets, wrong bytes and slowness. Without faults it
/// passes everything through. Reading does not read ahead, so that what a request leaves unread stays unread.
/// </summary>
internal sealed class FaultyStream(Stream inner, CancellationToken stopping, Bandwidth? bandwidth = null) : Stream
{
    /// <summary>Slowness is made of pieces with pauses of this length between them.</summary>
    private const int PausesPerSecond = 20;

    private static ReadOnlySpan<byte> WrongMagic => [0xde, 0xad, 0xbe, 0xef, 0xde, 0xad, 0xbe, 0xef];

    private ActiveFaults faults = ActiveFaults.None;
    private long sent;
    private long received;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>From here on the bytes belong to the request that these faults are for.</summary>
    public void Arm(ActiveFaults active)
    {
        faults = active;
        sent = 0;
        received = 0;
    }

    /// <summary>Counts bytes of the upload that came together with the request.</summary>
    public void AddReceived(int count)
    {
        received += count;
        ThrowIfUploadIsCut();
    }

    /// <summary>The response is complete: faults that were to happen later happen now.</summary>
    public async Task FinishAsync()
    {
        if (faults.Find<Fault.StallResponse>() is not null)
        {
            await StallAsync().ConfigureAwait(false);
        }

        if (faults.Find<Fault.ResetConnection>() is not null)
        {
            throw new ConnectionFaultException(reset: true);
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ThrowIfUploadIsCut();
        if (faults.Find<Fault.CutUpload>() is { } cut)
        {
            buffer = buffer[..(int)Math.Min(buffer.Length, cut.Bytes - received)];
        }

        if (faults.Find<Fault.Throttle>() is { } throttle)
        {
            buffer = buffer[..Math.Min(buffer.Length, PieceOf(throttle))];
            await PauseAsync(cancellationToken).ConfigureAwait(false);
        }

        var read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        received += read;
        return read;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (faults.Faults.Count == 0)
        {
            await SendAsync(buffer, cancellationToken).ConfigureAwait(false);
            return;
        }

        buffer = Distort(buffer);
        while (true)
        {
            var limit = await HappenAsync().ConfigureAwait(false);
            if (buffer.IsEmpty)
            {
                return;
            }

            var piece = buffer[..(int)Math.Min(buffer.Length, limit)];
            if (faults.Find<Fault.Throttle>() is { } throttle)
            {
                piece = piece[..Math.Min(piece.Length, PieceOf(throttle))];
                await PauseAsync(cancellationToken).ConfigureAwait(false);
            }

            await SendAsync(piece, cancellationToken).ConfigureAwait(false);
            sent += piece.Length;
            buffer = buffer[piece.Length..];
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read asynchronously.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Write asynchronously.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Flush() => inner.Flush();

    private async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        if (bandwidth is null)
        {
            await inner.WriteAsync(bytes, cancel).ConfigureAwait(false);
            return;
        }

        for (; bytes.Length > 0; bytes = bytes[Math.Min(bytes.Length, Bandwidth.LargestPiece)..])
        {
            var piece = bytes[..Math.Min(bytes.Length, Bandwidth.LargestPiece)];
            await bandwidth.TakeAsync(piece.Length, cancel).ConfigureAwait(false);
            await inner.WriteAsync(piece, cancel).ConfigureAwait(false);
        }
    }

    private static int PieceOf(Fault.Throttle throttle) => Math.Max(1, throttle.BytesPerSecond / PausesPerSecond);

    private static Task PauseAsync(CancellationToken cancel) => Task.Delay(1000 / PausesPerSecond, cancel);

    /// <summary>Faults whose moment has come; otherwise how many bytes there are until the next.</summary>
    private async Task<long> HappenAsync()
    {
        var limit = long.MaxValue;
        foreach (var fault in faults.Faults)
        {
            var at = fault switch
            {
                Fault.Cut cut => cut.Bytes,
                Fault.StallResponse stall => stall.Bytes,
                Fault.ResetConnection reset => reset.Bytes,
                _ => long.MaxValue,
            };
            if (at > sent)
            {
                limit = Math.Min(limit, at - sent);
                continue;
            }

            if (fault is Fault.StallResponse)
            {
                await StallAsync().ConfigureAwait(false);
            }

            throw new ConnectionFaultException(reset: fault is Fault.ResetConnection);
        }

        return limit;
    }

    private async Task StallAsync()
    {
        await Task.WhenAny(faults.EndOfStall, Task.Delay(Timeout.Infinite, stopping)).ConfigureAwait(false);
        throw new ConnectionFaultException(reset: false);
    }

    private ReadOnlyMemory<byte> Distort(ReadOnlyMemory<byte> buffer)
    {
        byte[]? copy = null;
        if (faults.Find<Fault.Magic>() is not null && sent < WrongMagic.Length && !buffer.IsEmpty)
        {
            copy = buffer.ToArray();
            var rest = WrongMagic[(int)sent..];
            rest[..Math.Min(rest.Length, copy.Length)].CopyTo(copy);
        }

        foreach (var at in faults.Faults.OfType<Fault.Corrupt>().Select(f => f.Offset - sent).Where(at => at >= 0 && at < buffer.Length))
        {
            copy ??= buffer.ToArray();
            copy[at] ^= 0xff;
        }

        return copy ?? buffer;
    }

    private void ThrowIfUploadIsCut()
    {
        if (faults.Find<Fault.CutUpload>() is { } cut && received >= cut.Bytes)
        {
            throw new ConnectionFaultException(reset: false);
        }
    }
}

/// <summary>Ends a connection as a fault wants it.</summary>
/// <param name="reset">With a reset, else with a plain close.</param>
internal sealed class ConnectionFaultException(bool reset) : Exception("The connection is ended on purpose.")
{
    public bool IsReset => reset;
}
