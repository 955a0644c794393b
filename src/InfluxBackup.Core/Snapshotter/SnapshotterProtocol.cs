namespace InfluxBackup.Snapshotter;

/// <summary>Kinds of request of the snapshotter service, as servers 1.5 and later number them.</summary>
public enum SnapshotterRequestType : byte
{
    /// <summary>All TSM and tombstone files of a shard, or those newer than a time; answered by a tar stream.</summary>
    ShardBackup = 0,

    /// <summary>The server's whole metadata.</summary>
    MetastoreBackup = 1,

    /// <summary>Numbered but not answered by any server.</summary>
    SeriesFileBackup = 2,

    /// <summary>Paths of the shards of a database, or of all.</summary>
    DatabaseInfo = 3,

    /// <summary>Paths of the shards of a retention policy.</summary>
    RetentionPolicyInfo = 4,

    /// <summary>Blocks of a shard that overlap a time range; answered by a tar stream.</summary>
    ShardExport = 5,

    /// <summary>Adds databases to the server's metadata; answered by a map of shard ids.</summary>
    MetastoreUpdate = 6,

    /// <summary>Adds TSM files to a shard; not answered at all.</summary>
    ShardUpdate = 7,
}

/// <summary>
/// Constants of the snapshotter service (influxdb, services/snapshotter and tcp/mux.go), the TCP service behind
/// <c>influxd backup</c> and <c>influxd restore</c>. A connection carries one request:
/// <code>
/// 03                    mux header: the snapshotter
/// tt                    request type
/// {"Type":tt,...}\n     the request; for ShardUpdate instead the shard id, 8 bytes big-endian, and a tar stream
/// </code>
/// </summary>
public static class SnapshotterProtocol
{
    /// <summary>First byte of every connection: tells the server's multiplexer which service is meant.</summary>
    public const byte MuxHeader = 3;

    /// <summary>First eight bytes, big-endian, of a metastore backup and of a metastore update's answer.</summary>
    public const ulong MetastoreMagic = 0x59590101;
}
