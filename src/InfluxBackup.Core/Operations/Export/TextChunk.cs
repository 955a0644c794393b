using System.IO.Compression;
using InfluxBackup.BackupSets;
using InfluxBackup.LineProtocol;

namespace InfluxBackup.Operations;

/// <summary>A piece of an export: whole lines, and what they hold.</summary>
internal sealed class TextChunk : IDisposable
{
    /// <summary>Large enough that handing over costs nothing, small enough that many fit into memory.</summary>
    public const int TargetSize = 512 << 10;

    private TextBuffer text = new(TargetSize + (TargetSize / 2));

    /// <summary>The lines, or a gzip member of them.</summary>
    public ReadOnlyMemory<byte> Bytes => text.Written;

    public TextBuffer Text => text;

    /// <summary>Length of the lines themselves.</summary>
    public long TextLength { get; private set; }

    public LineCounts Counts { get; set; } = LineCounts.None;

    /// <summary>Ends the text: from now on <see cref="Bytes"/> is what goes into the file.</summary>
    /// <param name="compression">Null for plain text. Each chunk is a gzip member of its own, so that threads can compress side by side.</param>
    public void Complete(CompressionLevel? compression)
    {
        TextLength = text.Length;
        if (compression is not { } level)
        {
            return;
        }

        var compressed = new TextBuffer((text.Length / 4) + 1024);
        using (var gzip = new GZipStream(new TextBufferStream(compressed), level))
        {
            gzip.Write(text.Written.Span);
        }

        text.Dispose();
        text = compressed;
    }

    public void Dispose() => text.Dispose();

    private sealed class TextBufferStream(TextBuffer buffer) : WriteOnlyStream
    {
        public override long Length => buffer.Length;

        public override long Position
        {
            get => buffer.Length;
            set => throw new NotSupportedException();
        }

        public override void Write(ReadOnlySpan<byte> bytes) => buffer.Write(bytes);
    }
}

/// <summary>What lines hold.</summary>
/// <param name="Lines">Lines.</param>
/// <param name="Points">Field values.</param>
/// <param name="Series">Series.</param>
/// <param name="FirstTime">The smallest time.</param>
/// <param name="LastTime">The greatest time.</param>
/// <param name="FirstSeries">Hash of the key of the first series.</param>
/// <param name="LastSeries">Hash of the key of the last series.</param>
internal readonly record struct LineCounts(long Lines, long Points, long Series, long FirstTime, long LastTime, int FirstSeries, int LastSeries)
{
    /// <summary>No lines.</summary>
    public static LineCounts None { get; } = new(0, 0, 0, long.MaxValue, long.MinValue, 0, 0);

    /// <summary>With the lines that follow in the same shard: a series that goes on from one piece to the next counts once.</summary>
    public LineCounts Then(LineCounts next) =>
        Lines > 0 && next.Lines > 0 && LastSeries == next.FirstSeries ? this + next with { Series = next.Series - 1 } : this + next;

    public static LineCounts operator +(LineCounts left, LineCounts right) =>
        left.Lines == 0 ? right
        : right.Lines == 0 ? left
        : new(
            left.Lines + right.Lines,
            left.Points + right.Points,
            left.Series + right.Series,
            Math.Min(left.FirstTime, right.FirstTime),
            Math.Max(left.LastTime, right.LastTime),
            left.FirstSeries,
            right.LastSeries);
}
