using InfluxBackup.Http;
using InfluxBackup.LineProtocol;

namespace InfluxBackup.Operations;

/// <summary>Lines on their way to one database and policy, and where in the source each began.</summary>
internal sealed class ImportBatch
{
    private byte[] bytes = [];
    private int[] ends = [];
    private int[] lengths = [];
    private long[] numbers = [];
    private int length;

    public int Count { get; private set; }

    public int Length => length;

    public WriteTarget Target { get; private set; } = new("", null);

    /// <summary>Its place among those that are under way.</summary>
    public ImportMark Mark { get; private set; } = new(new ImportPosition(0, 1, new ScriptContext(null, null)));

    /// <summary>Makes it empty, for new lines.</summary>
    public void Begin(WriteTarget target, ImportMark mark)
    {
        (length, Count) = (0, 0);
        (Target, Mark) = (target, mark);
    }

    /// <param name="time">What is sent after the line.</param>
    public void Add(ReadOnlySpan<byte> line, ReadOnlySpan<byte> time, long number, int usualBytes, int usualLines)
    {
        var end = length + line.Length + time.Length + 1;
        if (end > bytes.Length)
        {
            Array.Resize(ref bytes, Math.Max(Math.Min(usualBytes, 2 * Math.Max(bytes.Length, 32 << 10)), end));
        }

        if (Count == ends.Length)
        {
            var lines = Math.Min(usualLines, Math.Max(256, 2 * Count));
            Array.Resize(ref ends, lines);
            Array.Resize(ref lengths, lines);
            Array.Resize(ref numbers, lines);
        }

        line.CopyTo(bytes.AsSpan(length));
        time.CopyTo(bytes.AsSpan(length + line.Length));
        bytes[end - 1] = (byte)'\n';
        length = ends[Count] = end;
        lengths[Count] = line.Length;
        numbers[Count++] = number;
    }

    /// <summary>Lines from the one up to, and without, the other, each with its line feed.</summary>
    public ReadOnlyMemory<byte> Lines(int from, int to) => bytes.AsMemory(Start(from)..ends[to - 1]);

    /// <summary>One line as it is sent, without its line feed.</summary>
    public ReadOnlySpan<byte> SentLine(int index) => bytes.AsSpan(Start(index)..(ends[index] - 1));

    /// <summary>One line as it stood in the source.</summary>
    public ReadOnlySpan<byte> Line(int index) => bytes.AsSpan(Start(index), lengths[index]);

    public long NumberOf(int index) => numbers[index];

    /// <summary>Whether it has grown beyond what is worth keeping.</summary>
    public bool IsOversized(int usualBytes) => bytes.Length > usualBytes;

    private int Start(int index) => index == 0 ? 0 : ends[index - 1];
}
