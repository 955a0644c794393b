using System.IO.Compression;
using InfluxBackup.BackupSets;

namespace InfluxBackup.Operations;

/// <summary>
/// Text that may be compressed: gzip is known by its first bytes, whatever the name of the file. Members that follow each other
/// (<c>cat a.gz b.gz</c>) are one text. A compressed stream that is cut is found out.
/// </summary>
/// <remarks>
/// The runtime's decompressor ends without a word where its input ends. So when the input has ended one more member is fed to it,
/// of random text: only if that comes out again the members before it were whole.
/// </remarks>
public sealed class ImportText : ReadOnlyStream
{
    private const int HeldBack = 16;
    private const int BufferSize = 256 << 10;

    private readonly byte[] seal = Guid.NewGuid().ToByteArray();
    private readonly byte[] held = new byte[BufferSize];
    private readonly GZipStream gzip;
    private int start;
    private int end;
    private bool isEnded;

    private ImportText(Stream compressed) =>
        gzip = new GZipStream(new ChainedStream(compressed, new MemoryStream(Compress(seal))), CompressionMode.Decompress);

    /// <summary>The text of a stream; the stream itself when it is not compressed.</summary>
    public static Stream Open(Stream raw)
    {
        var head = new byte[2];
        var read = raw.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        Stream whole;
        if (raw.CanSeek)
        {
            raw.Seek(-read, SeekOrigin.Current);
            whole = raw;
        }
        else
        {
            whole = new ChainedStream(new MemoryStream(head, 0, read), raw);
        }

        return head is [0x1f, 0x8b] && read == head.Length ? new ImportText(whole) : whole;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The compressed data are damaged or cut.</exception>
    public override int Read(Span<byte> buffer)
    {
        while (end - start <= HeldBack && !isEnded)
        {
            Fill();
        }

        var count = Math.Min(buffer.Length, end - start - HeldBack);
        if (count > 0)
        {
            held.AsSpan(start, count).CopyTo(buffer);
            start += count;
            return count;
        }

        return buffer.Length == 0 || held.AsSpan(start, end - start).SequenceEqual(seal)
            ? 0
            : throw new InvalidDataException("The compressed data are cut, or something else follows them.");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            gzip.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Fill()
    {
        held.AsSpan(start, end - start).CopyTo(held);
        (start, end) = (0, end - start);
        var read = gzip.Read(held.AsSpan(end));
        isEnded = read == 0;
        end += read;
    }

    private static byte[] Compress(byte[] text)
    {
        var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest))
        {
            gzip.Write(text);
        }

        return target.ToArray();
    }

    /// <summary>One stream after the other.</summary>
    private sealed class ChainedStream(Stream first, Stream second) : ReadOnlyStream
    {
        private bool isFirstEnded;

        public override int Read(Span<byte> buffer)
        {
            if (!isFirstEnded)
            {
                var read = first.Read(buffer);
                if (read > 0 || buffer.Length == 0)
                {
                    return read;
                }

                isFirstEnded = true;
            }

            return second.Read(buffer);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                first.Dispose();
                second.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
