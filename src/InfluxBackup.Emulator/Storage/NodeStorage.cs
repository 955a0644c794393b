namespace InfluxBackup.Emulator;

/// <summary>A node's directory: metadata and shards.</summary>
internal sealed class NodeStorage
{
    public NodeStorage(string directory)
    {
        DataDirectory = Path.Combine(Path.GetFullPath(directory), "data");
        Directory.CreateDirectory(DataDirectory);
        Metadata = new EmulatedMetadata(Path.Combine(Path.GetFullPath(directory), "meta"));
        Shards = new ShardStore(DataDirectory);
    }

    public string DataDirectory { get; }

    public EmulatedMetadata Metadata { get; }

    public ShardStore Shards { get; }
}
