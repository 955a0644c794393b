using InfluxBackup.Tests.Tsm;
using InfluxBackup.Wal;

namespace InfluxBackup.Tests.Wal;

/// <summary>Takes a snapshot of segments and reads its files again.</summary>
internal sealed class SnapshotFiles : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public SnapshotFiles(int budget, params byte[][] segments)
    {
        var paths = segments.Select((bytes, i) => Path.Combine(directory, $"_{i + 1:D5}.wal")).ToList();
        for (var i = 0; i < segments.Length; i++)
        {
            File.WriteAllBytes(paths[i], segments[i]);
        }
        Output = Directory.CreateDirectory(Path.Combine(directory, "out")).FullName;
        Result = WalSnapshot.Write(paths, new WalSnapshotOptions { Directory = Output, FirstGeneration = 7, MemoryBudget = budget }, CancellationToken.None);
    }

    public SnapshotFiles(params byte[][] segments)
        : this(24 << 20, segments)
    {
    }

    public string Output { get; }

    public WalSnapshotResult Result { get; }

    /// <summary>The points as any reader of TSM files sees them.</summary>
    public Dictionary<(string Key, long Time), object> Points
    {
        get
        {
            var stored = new StoredPoints();
            foreach (var run in Result.Runs)
            {
                stored.Add(run.TsmFile, run.TombstoneFile);
            }
            return stored.Points;
        }
    }

    public void Dispose() => directory.Dispose();
}
