using System.Text;

namespace InfluxBackup.Bench.Export;

/// <summary>Texts as logs have them: words and numbers of 20 to 80 bytes, now and then with quotes or a backslash, in which line protocol escapes.</summary>
internal sealed class LogText(Random random)
{
    private const int Shortest = 20;
    private const int Longest = 80;

    private static readonly byte[][] Words =
    [
        .. new[]
        {
            "INFO", "WARN", "ERROR", "request", "served", "in", "ms", "user", "session", "opened", "closed", "connection", "from", "10.0.17.23", "timeout",
            "retrying", "GET", "POST", "/api/v1/items", "/health", "status=200", "status=503", "cache", "miss", "hit", "queue", "depth=", "größer",
            "\"quoted name\"", @"C:\logs", "worker", "started", "stopped", "shard", "written",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    private byte[] _text = new byte[1 << 16];

    /// <summary>The bytes in which the ranges of <see cref="Fill"/> lie.</summary>
    public ReadOnlySpan<byte> Bytes => _text;

    /// <summary>Makes new texts in place of those before.</summary>
    public void Fill(Span<Range> strings)
    {
        int end = 0;
        for (int i = 0; i < strings.Length; i++)
        {
            if (_text.Length < end + Longest)
            {
                Array.Resize(ref _text, _text.Length * 2);
            }
            int start = end;
            int length = random.Next(Shortest, Longest + 1);
            for (byte[] word = NextWord(); end == start || end - start + word.Length < length; word = NextWord())
            {
                word.CopyTo(_text, end);
                end += word.Length;
                _text[end++] = (byte)' ';
            }
            strings[i] = start..end;
        }
    }

    private byte[] NextWord() => random.Next(4) == 0 ? Encoding.UTF8.GetBytes($"{random.Next(100_000)}") : Words[random.Next(Words.Length)];
}
