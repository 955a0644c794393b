using InfluxBackup.Emulator;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.IntegrationTests.Faults;

/// <summary>An emulated data node with the sample's shards (or none), and options for operations on it.</summary>
internal sealed class SampleNode : IAsyncDisposable
{
    /// <summary>The sample's shards without pending deletes.</summary>
    public static readonly ShardSelection Weather = new() { Databases = [SampleData.OddlyNamedDatabase] };

    private readonly TemporaryDirectory directory;

    private SampleNode(TemporaryDirectory directory, EmulatedDataNode node)
    {
        this.directory = directory;
        Node = node;
    }

    public EmulatedDataNode Node { get; }

    public FaultPlan Faults => Node.Faults;

    /// <summary>Directory for backup sets; goes with the node.</summary>
    public string Set => directory["set"];

    public ServerAccess Access => new()
    {
        DataNode = DataNodeAddress.Parse(Node.Address),
        Connection = new SnapshotterOptions { IdleTimeout = TimeSpan.FromSeconds(1.5), ConnectTimeout = TimeSpan.FromSeconds(5) },
    };

    public BackupOptions Backup => new()
    {
        Server = Access,
        Path = Set,
        Retry = Engine.FastRetry,
        FlushPatience = TimeSpan.FromSeconds(0.3),
    };

    /// <summary>Starts a node.</summary>
    /// <param name="withSample">With the sample's shards; else a fresh server.</param>
    /// <param name="change">Changes the node's options.</param>
    public static async Task<SampleNode> StartAsync(bool withSample = true, Func<EmulatedDataNodeOptions, EmulatedDataNodeOptions>? change = null)
    {
        var directory = new TemporaryDirectory();
        if (withSample)
        {
            SampleData.Create(directory["node"]);
        }

        var options = new EmulatedDataNodeOptions { Directory = directory["node"] };
        return new SampleNode(directory, await EmulatedDataNode.StartAsync(change?.Invoke(options) ?? options));
    }

    /// <summary>Restores a set into this node.</summary>
    public RestoreOptions Restore(string set) => new() { Server = Access, Path = set, Retry = Engine.FastRetry };

    /// <summary>Files of a shard on the node, by name, with their content.</summary>
    public Dictionary<string, byte[]> FilesOf(ShardKey shard) =>
        Directory.GetFiles(Node.ShardDirectory(shard)).ToDictionary(f => Path.GetFileName(f), File.ReadAllBytes);

    public async ValueTask DisposeAsync()
    {
        Faults.Clear();
        await Node.DisposeAsync();
        directory.Dispose();
    }
}
