using System.Buffers.Binary;
using ICSharpCode.SharpZipLib;
using ICSharpCode.SharpZipLib.Checksum;
using ICSharpCode.SharpZipLib.Zip.Compression;

namespace InfluxBackup.Tsm;

/// <summary>
/// Reads gzip members that follow each other in a stream (RFC 1952), and knows how the stream ended.
/// <code>1f 8b 08 │ flags 00 │ time (4) │ extra, system (2) ┃ deflate data ┃ CRC-32 (4, little-endian) │ size (4)</code>
/// General readers take the end of the stream for the end of the data, or pass over bytes that begin no member. Here
/// the difference matters: a stream that is cut is <see cref="IsTorn"/>, other damage throws.
/// </summary>
internal sealed class GzipMembers(Stream stream, long offset)
{
    private const int HeaderSize = 10;
    private const int TrailerSize = 8;

    private readonly Inflater inflater = new(noHeader: true);
    private readonly Crc32 crc = new();
    private readonly byte[] input = new byte[16 << 10];
    private int start;
    private int end;
    private bool inMember;

    /// <summary>Whether the stream ended inside a member. Known once <see cref="Read"/> has returned 0.</summary>
    public bool IsTorn { get; private set; }

    /// <summary>How much of the file was read.</summary>
    public long Offset => offset + start;

    /// <summary>The next unpacked bytes; 0 at the end, be it sound or torn.</summary>
    public int Read(byte[] buffer, int index, int count)
    {
        while (!IsTorn && (inMember || BeginMember()))
        {
            var read = Inflate(buffer, index, count);
            if (read > 0)
            {
                crc.Update(new ArraySegment<byte>(buffer, index, read));
                return read;
            }
            if (inflater.IsFinished)
            {
                EndMember();
            }
            else if (inflater.IsNeedingDictionary)
            {
                throw new TsmFormatException("Compressed data asks for a dictionary.", Offset);
            }
            else if (!FeedInflater())
            {
                IsTorn = true;
            }
        }
        return 0;
    }

    private bool BeginMember()
    {
        var available = Ensure(HeaderSize);
        if (available == 0)
        {
            return false;
        }
        var header = input.AsSpan(start, Math.Min(available, HeaderSize));
        ReadOnlySpan<byte> expected = [0x1f, 0x8b, 8, 0];
        var known = Math.Min(header.Length, expected.Length);
        if (!header[..known].SequenceEqual(expected[..known]))
        {
            throw new TsmFormatException($"Compressed data does not begin like gzip: {Convert.ToHexString(header[..known])}.", Offset);
        }
        if (available < HeaderSize)
        {
            IsTorn = true;
            return false;
        }
        start += HeaderSize;
        inflater.Reset();
        crc.Reset();
        inMember = true;
        return true;
    }

    private void EndMember()
    {
        // What the inflater did not need belongs to the trailer and to the next member.
        start = end - inflater.RemainingInput;
        inMember = false;
        if (Ensure(TrailerSize) < TrailerSize)
        {
            IsTorn = true;
            return;
        }
        var trailer = input.AsSpan(start, TrailerSize);
        if (BinaryPrimitives.ReadUInt32LittleEndian(trailer) != (uint)crc.Value
            || BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]) != (uint)inflater.TotalOut)
        {
            throw new TsmFormatException("The gzip checksum does not match: the compressed data changed after it was written.", Offset);
        }
        start += TrailerSize;
    }

    private int Inflate(byte[] buffer, int index, int count)
    {
        try
        {
            return inflater.Inflate(buffer, index, count);
        }
        // The library reports bad data as its own exception, and some of it by running out of its tables.
        catch (Exception error) when (error is SharpZipBaseException or IndexOutOfRangeException or ArgumentException)
        {
            throw new TsmFormatException("Compressed data cannot be unpacked: " + error.Message, Offset, error);
        }
    }

    private bool FeedInflater()
    {
        var available = Ensure(1);
        if (available == 0)
        {
            return false;
        }
        inflater.SetInput(input, start, available);
        start = end;
        return true;
    }

    /// <summary>Tries to have so many bytes at <see cref="start"/>; returns how many there are.</summary>
    private int Ensure(int wanted)
    {
        if (end - start < wanted)
        {
            input.AsSpan(start, end - start).CopyTo(input);
            offset += start;
            (start, end) = (0, end - start);
            end += stream.ReadAtLeast(input.AsSpan(end), wanted - end, throwOnEndOfStream: false);
        }
        return end - start;
    }
}
