using InfluxBackup.Transfer;

namespace InfluxBackup.Tests.Transfer;

/// <summary>Keeps what a scanner tells.</summary>
internal sealed class TarRecorder : ITarVisitor
{
    private readonly List<byte> current = [];

    public List<(string Name, long Size, string Content)> Files { get; } = [];

    public string Name { get; private set; } = "";

    public long Size { get; private set; }

    /// <summary>Scans a whole stream in pieces of the sizes given, over and over.</summary>
    public static TarRecorder Scan(byte[] stream, params int[] pieces)
    {
        var recorder = new TarRecorder();
        var scanner = new TarScanner(recorder, "the test");
        var at = 0;
        for (var i = 0; at < stream.Length; i++)
        {
            var size = Math.Min(pieces.Length == 0 ? stream.Length : Math.Max(1, pieces[i % pieces.Length]), stream.Length - at);
            scanner.Append(stream.AsSpan(at, size));
            at += size;
        }

        scanner.Finish();
        return recorder;
    }

    public void Begin(string name, long size, DateTime modified)
    {
        (Name, Size) = (name, size);
        current.Clear();
    }

    public void Data(ReadOnlySpan<byte> data) => current.AddRange(data);

    public void End()
    {
        Files.Add((Name, Size, Convert.ToHexString([.. current])));
    }
}
