using InfluxBackup.Emulator;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.IntegrationTests.Cli;

/// <summary>An embedded data node with the sample data, and room for backup sets; all gone with the test.</summary>
public sealed class SampleNode : IAsyncDisposable
{
    private readonly TemporaryDirectory directory;

    private SampleNode(TemporaryDirectory directory, EmulatedDataNode node)
    {
        this.directory = directory;
        Node = node;
    }

    public EmulatedDataNode Node { get; }

    public string Address => Node.Address;

    /// <summary>A backup set.</summary>
    public string Set => directory["set"];

    /// <summary>What is in the set, without the lock, which stays.</summary>
    public IReadOnlyList<string> SetFiles => Directory.Exists(Set)
        ? [.. Directory.EnumerateFileSystemEntries(Set).Select(p => Path.GetFileName(p)!).Where(n => !n.EndsWith(".lock", StringComparison.Ordinal)).Order(StringComparer.Ordinal)]
        : [];

    public string this[string name] => directory[name];

    /// <param name="kind">What listens.</param>
    /// <param name="withTombstones">Whether to keep the one shard with pending deletes, of which a backup warns.</param>
    public static async Task<SampleNode> StartAsync(EmulatedNodeKind kind = EmulatedNodeKind.Server, bool withTombstones = false)
    {
        var directory = new TemporaryDirectory();
        SampleData.Create(directory["server"]);
        var node = await EmulatedDataNode.StartAsync(new EmulatedDataNodeOptions { Directory = directory["server"], Kind = kind });
        if (!withTombstones)
        {
            node.DropShard(SampleData.ShardWithTombstones);
        }

        return new SampleNode(directory, node);
    }

    /// <summary>Makes shards come, or go, slowly: a run then takes seconds, and can be met in the middle.</summary>
    public void Slow(int bytesPerSecond, SnapshotterRequestType type = SnapshotterRequestType.ShardBackup) => Node.Faults.Add(Fault.Slow(bytesPerSecond), type);

    /// <summary>Waits until a running backup has begun to write shards.</summary>
    public async Task WaitForPartialFileAsync(CliProcess process)
    {
        while (!SetFiles.Any(f => f.EndsWith(".tar.gz.partial", StringComparison.Ordinal)))
        {
            Assert.False(process.HasExited, "The backup ended before it was met in the middle.");
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        directory.Dispose();
    }
}
