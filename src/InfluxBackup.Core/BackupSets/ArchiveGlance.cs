using System.Buffers.Binary;

namespace InfluxBackup.BackupSets;

/// <summary>What can be told of an archive without reading it: that it is there, begins like gzip, and has the lengths that its manifest gives.</summary>
public static class ArchiveGlance
{
    private const int HeaderSize = 10;
    private const int TrailerSize = 8;

    /// <exception cref="InfluxBackupException">It is missing, or not what the manifest describes.</exception>
    public static void Look(StoredShard shard)
    {
        try
        {
            using var file = File.OpenHandle(shard.Path);
            var length = RandomAccess.GetLength(file);
            if (shard.Entry.ArchiveSize is { } expected && expected != length)
            {
                throw Damaged("ArchiveSizeMismatch", shard, $"it has {length} bytes, its manifest says {expected}");
            }

            Span<byte> header = stackalloc byte[2];
            Span<byte> trailer = stackalloc byte[TrailerSize];
            if (length < HeaderSize + TrailerSize || RandomAccess.Read(file, header, 0) < header.Length || header is not [0x1f, 0x8b])
            {
                throw Damaged("ArchiveDamaged", shard, $"its {length} bytes are no gzip file");
            }

            RandomAccess.Read(file, trailer, length - TrailerSize);
            var unpacked = BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]);
            if (unpacked != (uint)shard.Entry.Size)
            {
                throw Damaged(
                    "ShardSizeMismatch", shard, $"it ends with a length of {unpacked} unpacked bytes (modulo 2^32), its manifest says {shard.Entry.Size}: it is cut, followed by something, or another file");
            }
        }
        catch (FileNotFoundException e)
        {
            throw GzipShardStream.Missing(shard.Path, e);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(shard.Path, e);
        }
    }

    private static InfluxBackupException Damaged(string id, StoredShard shard, string why) =>
        new(id, ErrorKind.InvalidData, $"The archive '{shard.Path}' is damaged: {why}.") { Subject = shard.Path };
}
