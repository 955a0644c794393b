using InfluxBackup.Tsm;

namespace InfluxBackup.Operations.Staging;

/// <summary>Looks at the files of one shard, one after another.</summary>
internal interface IShardFileReader : IDisposable
{
    /// <summary>A TSM file. Damage is for the reader to handle.</summary>
    void ReadTsm(string name, TsmFile file, CancellationToken cancel);

    /// <summary>A tombstone file, from its start; the reader disposes of the stream.</summary>
    void ReadTombstone(string name, Stream content, long length, CancellationToken cancel);
}
