using System.Buffers.Binary;

namespace InfluxBackup.Snapshotter;

/// <summary>
/// Answer to a metastore update; all numbers big-endian, 8 bytes:
/// <code>magic 59590101 | n | n times (id in the uploaded metadata, id on this server)</code>
/// n = 0 stands for every kind of refusal, and also for success with databases that have no shards.
/// </summary>
public static class ShardIdMap
{
    private const int NumberSize = 8;

    /// <summary>Reads the answer: uploaded id to the server's id.</summary>
    /// <exception cref="InfluxBackupException">The answer is not whole.</exception>
    public static IReadOnlyDictionary<ulong, ulong> Parse(ReadOnlySpan<byte> bytes, string host)
    {
        if (!MetastoreBackup.HasMagic(bytes) || bytes.Length < 2 * NumberSize)
        {
            throw Damaged(host, bytes.Length == 0 ? "it closed the connection without an answer" : "its answer does not begin as it should");
        }

        var count = BinaryPrimitives.ReadUInt64BigEndian(bytes[NumberSize..]);
        var pairs = bytes[(2 * NumberSize)..];
        if (pairs.Length % (2 * NumberSize) != 0 || count != (ulong)(pairs.Length / (2 * NumberSize)))
        {
            throw Damaged(host, $"its answer announces {count} shards and has {pairs.Length} bytes for them");
        }

        var map = new Dictionary<ulong, ulong>();
        for (; !pairs.IsEmpty; pairs = pairs[(2 * NumberSize)..])
        {
            map[BinaryPrimitives.ReadUInt64BigEndian(pairs)] = BinaryPrimitives.ReadUInt64BigEndian(pairs[NumberSize..]);
        }

        return map;
    }

    /// <summary>The answer as a server sends it.</summary>
    public static byte[] ToBytes(IReadOnlyDictionary<ulong, ulong> map)
    {
        var bytes = new byte[(2 * NumberSize) + (map.Count * 2 * NumberSize)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, SnapshotterProtocol.MetastoreMagic);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(NumberSize), (ulong)map.Count);
        var rest = bytes.AsSpan(2 * NumberSize);
        foreach (var (from, to) in map)
        {
            BinaryPrimitives.WriteUInt64BigEndian(rest, from);
            BinaryPrimitives.WriteUInt64BigEndian(rest[NumberSize..], to);
            rest = rest[(2 * NumberSize)..];
        }

        return bytes;
    }

    private static InfluxBackupException Damaged(string host, string why) =>
        new("MetadataImportUnanswered", ErrorKind.Connection, $"{host} did not confirm the import of the metadata: {why}.")
        {
            Subject = host,
            Remedy = "Look at the server's log for lines with service=snapshot.",
        };
}
