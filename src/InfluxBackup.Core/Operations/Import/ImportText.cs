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
    private readonly byte[] seal = Guid.NewGuid().ToByteArray();
    private readonly ChainedStream packed;
    private readonly GZipStream gzip;
    private bool isEnded;

    private ImportText(Stream compressed)
    {
        packed = new ChainedStream(compressed, new MemoryStream(Compress(seal)));
        gzip = new GZipStream(packed, CompressionMode.Decompress);
    }

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
        if (isEnded || buffer.Length == 0)
        {
            return 0;
        }

        var read = gzip.Read(buffer);
        if (!packed.IsFirstEnded && read > 0)
        {
            return read;
        }

        // From here on everything comes of the seal; behind a cut it comes out as nonsense, which must not be taken for text.
        isEnded = true;
        CheckSeal(buffer[..read]);
        return 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            gzip.Dispose();
        }

        base.Dispose(disposing);
    }

    private void CheckSeal(ReadOnlySpan<byte> beginning)
    {
        var found = new byte[seal.Length + 1];
        var length = Math.Min(beginning.Length, found.Length);
        beginning[..length].CopyTo(found);
        int read;
        while (length < found.Length && (read = gzip.Read(found.AsSpan(length))) > 0)
        {
            length += read;
        }

        if (!found.AsSpan(0, length).SequenceEqual(seal))
        {
            throw new InvalidDataException("The compressed data are cut, or something else follows them.");
        }
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
        public bool IsFirstEnded { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            if (!IsFirstEnded)
            {
                var read = first.Read(buffer);
                if (read > 0 || buffer.Length == 0)
                {
                    return read;
                }

                IsFirstEnded = true;
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
