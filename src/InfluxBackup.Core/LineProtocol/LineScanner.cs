namespace InfluxBackup.LineProtocol;

/// <summary>How far one line of line protocol reaches.</summary>
/// <param name="State">Whether its end was found.</param>
/// <param name="Length">Bytes up to its line feed, which is not counted; up to the first line feed in a string that is not closed.</param>
/// <param name="KeyLength">Bytes of measurement and tags.</param>
/// <param name="LineFeeds">Line feeds inside it, in string values or escaped.</param>
internal readonly record struct ScannedLine(ScanState State, int Length, int KeyLength, int LineFeeds);

internal enum ScanState
{
    /// <summary>The line is whole.</summary>
    Whole,

    /// <summary>The bytes end before the line does.</summary>
    Incomplete,

    /// <summary>A string was opened and what follows shows that it was not meant to reach beyond its line.</summary>
    Unclosed,
}

/// <summary>
/// Finds the end of a line as the server does (<c>scanLine</c> in <c>models/points.go</c> of InfluxDB 1.x), so that what is sent as
/// one line is read as one line:
/// <code>measurement,tag=value field="a string",field=2 1500000000000000000⏎</code>
/// A backslash takes the byte after it along, a line feed too. A double quote means something only after the first space, and there
/// only as (part of) a value: when more equals signs than commas have passed. A line feed inside of quotes belongs to the string.
/// </summary>
internal static class LineScanner
{
    private const byte Quote = (byte)'"';
    private const byte Backslash = (byte)'\\';
    private const byte LineFeed = (byte)'\n';
    private const byte Space = (byte)' ';

    /// <summary>Scans one line.</summary>
    /// <param name="text">From its first byte on.</param>
    /// <param name="isLast">Whether nothing follows <paramref name="text"/>.</param>
    public static ScannedLine Scan(ReadOnlySpan<byte> text, bool isLast)
    {
        var at = 0;
        var lineFeeds = 0;
        while (true)
        {
            var next = text[at..].IndexOfAny(Space, Backslash, LineFeed);
            if (next < 0)
            {
                return new ScannedLine(isLast ? ScanState.Whole : ScanState.Incomplete, text.Length, text.Length, lineFeeds);
            }

            at += next;
            if (text[at] == Space)
            {
                return ScanFields(text, at, lineFeeds, isLast);
            }

            if (text[at] == LineFeed)
            {
                return new ScannedLine(ScanState.Whole, at, at, lineFeeds);
            }

            if (at + 1 >= text.Length)
            {
                return new ScannedLine(isLast ? ScanState.Whole : ScanState.Incomplete, text.Length, text.Length, lineFeeds);
            }

            lineFeeds += text[at + 1] == LineFeed ? 1 : 0;
            at += 2;
        }
    }

    private static ScannedLine ScanFields(ReadOnlySpan<byte> text, int keyLength, int lineFeeds, bool isLast)
    {
        // Numbers and booleans, most lines of most files: up to the line feed there is nothing to look at.
        var next = text[keyLength..].IndexOfAny(LineFeed, Quote, Backslash);
        if (next >= 0 && text[keyLength + next] == LineFeed)
        {
            return new ScannedLine(ScanState.Whole, keyLength + next, keyLength, lineFeeds);
        }

        return next < 0
            ? new ScannedLine(isLast ? ScanState.Whole : ScanState.Incomplete, text.Length, keyLength, lineFeeds)
            : ScanStrings(text, keyLength, lineFeeds, isLast);
    }

    private static ScannedLine ScanStrings(ReadOnlySpan<byte> text, int keyLength, int lineFeeds, bool isLast)
    {
        var equalsSigns = 0;
        var commas = 0;
        var cut = -1; // The first line feed inside of quotes.
        var isOdd = false; // A quote stands where none belongs: a string before it was not closed, or never opened.
        var at = keyLength;
        while (at < text.Length)
        {
            switch (text[at])
            {
                case Backslash:
                    lineFeeds += at + 1 < text.Length && text[at + 1] == LineFeed ? 1 : 0;
                    at += 2;
                    continue;
                case (byte)'=':
                    equalsSigns++;
                    break;
                case (byte)',':
                    commas++;
                    break;
                case LineFeed:
                    return new ScannedLine(ScanState.Whole, at, keyLength, lineFeeds);
                case Quote when equalsSigns > commas:
                    isOdd |= text[at - 1] != (byte)'=';
                    at = SkipString(text, at + 1, ref lineFeeds, ref cut);
                    isOdd |= at < text.Length && !MayFollowString(text[at]);
                    if (isOdd && cut >= 0)
                    {
                        return new ScannedLine(ScanState.Unclosed, cut, keyLength, 0);
                    }

                    if (at >= text.Length)
                    {
                        // The string, or what has to follow it, lies beyond.
                        var isClosed = at == text.Length;
                        return !isLast ? new ScannedLine(ScanState.Incomplete, cut >= 0 ? cut : text.Length, keyLength, lineFeeds)
                            : isClosed ? new ScannedLine(ScanState.Whole, text.Length, keyLength, lineFeeds)
                            : new ScannedLine(ScanState.Unclosed, cut >= 0 ? cut : text.Length, keyLength, 0);
                    }

                    continue;
            }

            at++;
        }

        return new ScannedLine(isLast ? ScanState.Whole : ScanState.Incomplete, cut >= 0 && !isLast ? cut : text.Length, keyLength, lineFeeds);
    }

    /// <summary>The place after the closing quote, or beyond the end of the text where there is none.</summary>
    private static int SkipString(ReadOnlySpan<byte> text, int at, ref int lineFeeds, ref int cut)
    {
        while (true)
        {
            var next = at < text.Length ? text[at..].IndexOfAny(Quote, Backslash, LineFeed) : -1;
            if (next < 0)
            {
                return text.Length + 1;
            }

            at += next;
            switch (text[at])
            {
                case Quote:
                    return at + 1;
                case LineFeed:
                    cut = cut < 0 ? at : cut;
                    lineFeeds++;
                    at++;
                    break;
                default:
                    if (at + 1 < text.Length && text[at + 1] == LineFeed)
                    {
                        cut = cut < 0 ? at + 1 : cut;
                        lineFeeds++;
                    }

                    at += 2;
                    break;
            }
        }
    }

    private static bool MayFollowString(byte next) => next is (byte)',' or Space or LineFeed or (byte)'\r';
}
