using System.Buffers;
using System.Runtime.ExceptionServices;

namespace InfluxBackup.LineProtocol;

/// <summary>
/// Cuts a stream into lines of line protocol without making objects of them. What it gives is valid until the next call. Lines end
/// with LF or CR LF; the last one may lack its end. A byte order mark of UTF-8 is passed over. The bytes of a line are not looked at
/// otherwise: zeros and bytes that are not UTF-8 pass.
/// </summary>
/// <param name="stream">Read to its end, not disposed.</param>
/// <param name="maxLength">Longest line in bytes. A longer one is <see cref="LineKind.TooLong"/>, and no string reaches farther.</param>
public sealed class LineReader(Stream stream, int maxLength = LineReader.DefaultMaxLength) : IDisposable
{
    /// <summary>Servers take 25 MB at once by default.</summary>
    public const int DefaultMaxLength = 16 << 20;

    private const int InitialBuffer = 1 << 20;
    private const int SampleLength = 256;
    private static readonly SearchValues<byte> LeadingSpace = SearchValues.Create(" \t\0"u8);
    private static readonly SearchValues<byte> BlankSpace = SearchValues.Create(" \t\0\r"u8);

    private byte[] buffer = ArrayPool<byte>.Shared.Rent(Math.Min(InitialBuffer, Math.Max(maxLength * 2, 64)));
    private int start;
    private int end;
    private bool isEnded;
    private int lineStart;
    private int lineLength;
    private int next;
    private int lineFeeds;
    private ExceptionDispatchInfo? broken;
    private bool isPositioned;
    private bool isBegun;

    /// <summary>Where the line begins in the stream.</summary>
    public long Offset { get; private set; }

    /// <summary>Number of the line, from 1; the first of a line that spans several.</summary>
    public long Number { get; private set; } = 1;

    /// <summary>Number of the line after this.</summary>
    public long NextNumber => Number + lineFeeds + 1;

    /// <summary>Offset of the line after this.</summary>
    public long NextOffset => Offset + (next - start);

    public LineKind Kind { get; private set; }

    /// <summary>The line without its end, and without white space before it.</summary>
    public ReadOnlySpan<byte> Line => buffer.AsSpan(lineStart, lineLength);

    /// <summary>Measurement and tags of a point; ends before the first space.</summary>
    public int KeyLength { get; private set; }

    /// <summary>Whether lines end at every line feed, as those of statements do, and quotes mean nothing.</summary>
    public bool IsPlain { get; set; }

    /// <summary>For a stream that does not begin at its beginning: says where it does. To be called before anything is read.</summary>
    public void StartAt(long offset, long number)
    {
        Offset = offset;
        Number = number;
        isPositioned = true;
    }

    /// <summary>Goes to the next line; false at the end.</summary>
    /// <exception cref="InfluxBackupException">The stream is text of another encoding.</exception>
    public bool Read()
    {
        if (isBegun)
        {
            Offset += next - start;
            Number += lineFeeds + 1;
            start = next;
        }
        else
        {
            Begin();
        }

        lineFeeds = 0;
        while (true)
        {
            if (start < end && TryCut())
            {
                return true;
            }

            if (isEnded)
            {
                return false;
            }

            Fill();
        }
    }

    /// <summary>Has the next call of <see cref="Read"/> give this line again, read in the mode that is then set.</summary>
    public void PushBack()
    {
        next = start;
        lineFeeds = -1;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = [];
        }
    }

    private void Begin()
    {
        isBegun = true;
        Fill();
        if (isPositioned)
        {
            return;
        }

        var head = buffer.AsSpan(start, end - start);
        if (head is [0xEF, 0xBB, 0xBF, ..])
        {
            start += 3;
            Offset += 3;
        }
        else if (head is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
        {
            throw new InfluxBackupException("EncodingUnsupported", ErrorKind.InvalidData, "The text is UTF-16; line protocol is UTF-8.")
            {
                Remedy = "Convert it, for instance with: Get-Content FILE | Set-Content -Encoding utf8NoBOM NEWFILE",
            };
        }
    }

    private bool TryCut()
    {
        var text = buffer.AsSpan(start, end - start);
        var lead = text.IndexOfAnyExcept(LeadingSpace);
        if (lead < 0)
        {
            // White space without an end so far: nothing that has to be kept.
            if (isEnded)
            {
                Take(LineKind.Blank, text.Length, 0, text.Length);
                return true;
            }

            if (text.Length < maxLength)
            {
                return false;
            }

            return SkipTooLong();
        }

        var line = text[lead..];
        if (IsPlain || line[0] is (byte)'#' or (byte)'\n' || (line[0] == (byte)'\r' && IsBlank(line)))
        {
            var length = line.IndexOf((byte)'\n');
            if (length < 0)
            {
                return isEnded ? TakePlain(line, lead, line.Length, text.Length)
                    : text.Length >= maxLength && SkipTooLong();
            }

            return TakePlain(line, lead, length, lead + length + 1);
        }

        var found = LineScanner.Scan(line.Length > maxLength ? line[..maxLength] : line, isEnded && line.Length <= maxLength);
        if (found.State == ScanState.Incomplete)
        {
            if (line.Length < maxLength)
            {
                return false;
            }

            if (found.Length >= maxLength)
            {
                return SkipTooLong();
            }

            // A string that reaches beyond the limit was not meant to: its first line is the bad one.
            found = found with { State = ScanState.Unclosed, LineFeeds = 0 };
        }

        lineFeeds = found.LineFeeds;
        KeyLength = found.KeyLength;
        var after = Math.Min(text.Length, lead + found.Length + 1);
        var kind = found.State == ScanState.Unclosed ? LineKind.Unclosed
            : after == text.Length && lead + found.Length == text.Length && EndsInBackslash(line[..found.Length]) ? LineKind.Dangling
            : LineKind.Point;
        Take(kind, lead, TrimEnd(line[..found.Length]), after);
        KeyLength = Math.Min(KeyLength, lineLength);
        return true;
    }

    private bool TakePlain(ReadOnlySpan<byte> line, int lead, int length, int after)
    {
        var kind = line[..length].IndexOfAnyExcept(BlankSpace) < 0 ? LineKind.Blank : line[0] == (byte)'#' ? LineKind.Comment : LineKind.Point;
        Take(kind, lead, TrimEnd(line[..length]), after);
        KeyLength = 0;
        return true;
    }

    private void Take(LineKind kind, int lead, int length, int after)
    {
        Kind = kind;
        lineStart = start + lead;
        lineLength = length;
        next = start + after;
    }

    /// <summary>CR before LF is not of the line; unless escaped: without it the backslash would take the line feed along.</summary>
    private static int TrimEnd(ReadOnlySpan<byte> line) =>
        line is [.., not (byte)'\\', (byte)'\r'] or [(byte)'\r'] ? line.Length - 1 : line.Length;

    private static bool IsBlank(ReadOnlySpan<byte> line) => line.IndexOfAnyExcept(BlankSpace) is var found && (found < 0 || line[found] == (byte)'\n');

    private static bool EndsInBackslash(ReadOnlySpan<byte> line)
    {
        var others = line.LastIndexOfAnyExcept((byte)'\\');
        return (line.Length - 1 - others) % 2 == 1;
    }

    /// <summary>Reads on to the next line feed without keeping what lies before it.</summary>
    private bool SkipTooLong()
    {
        var sample = buffer.AsSpan(start, Math.Min(SampleLength, end - start)).ToArray();
        while (true)
        {
            var found = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
            if (found >= 0 || isEnded)
            {
                var length = found >= 0 ? found + 1 : end - start;
                // The sample takes the place of the line's end, so that one buffer serves both.
                var room = Math.Min(sample.Length, length);
                sample.AsSpan(0, room).CopyTo(buffer.AsSpan(start));
                Take(LineKind.TooLong, 0, room, length);
                KeyLength = 0;
                return true;
            }

            Offset += end - start;
            start = end = 0;
            Fill();
        }
    }

    private void Fill()
    {
        broken?.Throw();
        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
        }

        if (end > buffer.Length / 2)
        {
            var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
            buffer.AsSpan(0, end).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = larger;
        }

        var filled = end;
        try
        {
            while (end < buffer.Length && !isEnded)
            {
                var read = stream.Read(buffer.AsSpan(end));
                end += read;
                isEnded = read == 0;
            }
        }
        catch (Exception e) when (end > filled)
        {
            // What was read before the stream broke is given first.
            broken = ExceptionDispatchInfo.Capture(e);
        }

        next = start;
    }
}
