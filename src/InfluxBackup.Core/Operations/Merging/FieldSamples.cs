using System.Buffers.Binary;
using InfluxBackup.LineProtocol;
using InfluxBackup.Metadata;
using InfluxBackup.Tsm;
using InfluxBackup.Tsm.Merging;

namespace InfluxBackup.Operations;

/// <summary>
/// Finds one real point for each field of each measurement in the files of a shard: the newest, because that is what a retention policy
/// refuses last. The points are those that a server would show: where several files have the time, the value of the newest file. One
/// walk over the indexes, and one block for each field.
/// </summary>
internal static class FieldSamples
{
    private const int LineRoom = 256;

    /// <summary>The newest point of a field so far, and the block that ends with it.</summary>
    private sealed record Candidate(byte[] Key, int SeriesLength, int Source, TsmBlockType Type, TsmIndexEntry Entry, bool CanWrite);

    /// <summary>Takes a point of each field.</summary>
    /// <param name="shard">The shard, for messages.</param>
    /// <param name="group">The times of its group. A point outside of it, which a shard may hold all the same, would be written into another shard.</param>
    /// <param name="files">Its files, oldest first. Their deletes have been applied.</param>
    /// <param name="cancel">Asked at each key.</param>
    /// <exception cref="InfluxBackupException">A file is damaged, or a field has values of two types.</exception>
    public static IReadOnlyList<SamplePoint> Take(ShardKey shard, TimeRange group, IReadOnlyList<TsmFile> files, CancellationToken cancel)
    {
        try
        {
            var candidates = Find(shard, group, files, cancel);
            using var points = new TsmPoints();
            return candidates.Values.Select(c => Read(files[c.Source], c, points)).ToList();
        }
        catch (TsmFormatException e)
        {
            throw new InfluxBackupException("TsmFileDamaged", ErrorKind.InvalidData, $"What is to be merged of {shard} holds a damaged file: {e.Message}", e)
            {
                Subject = shard.ToString(),
                Remedy = "Leave the shard out with -AllowPartial (--allow-partial), or merge another backup.",
            };
        }
    }

    private static Dictionary<KeyBytes, Candidate> Find(ShardKey shard, TimeRange group, IReadOnlyList<TsmFile> files, CancellationToken cancel)
    {
        var best = new Dictionary<KeyBytes, Candidate>(KeyBytes.Comparer);
        if (files.Count == 0)
        {
            return best;
        }

        var lookup = new byte[ushort.MaxValue];
        using var index = new MergedIndex(files.Select(f => new MergeSource(f, TombstoneRanges.None)).ToList());
        while (index.Read())
        {
            cancel.ThrowIfCancellationRequested();
            if (!TsmKey.TrySplit(index.Key, out var series, out var field))
            {
                throw new TsmFormatException($"The key {TsmKey.Describe(index.Key)} has no field.");
            }

            var measurement = TsmKey.MeasurementOf(series);
            measurement.CopyTo(lookup);
            TsmKey.Separator.CopyTo(lookup.AsSpan(measurement.Length));
            field.CopyTo(lookup.AsSpan(measurement.Length + TsmKey.Separator.Length));
            var name = new KeyBytes(lookup, measurement.Length + TsmKey.Separator.Length + field.Length);
            var (source, type, newest) = Newest(index);
            var known = best.GetValueOrDefault(name);
            if (known is not null && known.Type != type)
            {
                throw TypesDiffer(shard, FieldName.Of(measurement, field), known.Type, type);
            }

            // Series are millions, fields few: a key is kept only where its point is newer.
            var canWrite = PointLine.CanWrite(series, field) && group.Contains(newest.MaxTime);
            if (known is null || (canWrite && !known.CanWrite) || (canWrite == known.CanWrite && newest.MaxTime > known.Entry.MaxTime))
            {
                best[known is null ? name.Copy() : name] = new Candidate(index.Key.ToArray(), series.Length, source, type, newest, canWrite);
            }
        }

        return best;
    }

    /// <summary>The block with the newest point of the key, in the newest file that has one at that time.</summary>
    private static (int Source, TsmBlockType Type, TsmIndexEntry Entry) Newest(MergedIndex index)
    {
        var (newestSource, type, newest) = (-1, default(TsmBlockType), default(TsmIndexEntry));
        foreach (var source in index.Sources)
        {
            while (index.ReadEntry(source, out var entry))
            {
                if (newestSource < 0 || entry.MaxTime >= newest.MaxTime)
                {
                    (newestSource, type, newest) = (source, index.Reader(source).Type, entry);
                }
            }
        }

        return newestSource >= 0 ? (newestSource, type, newest) : throw new TsmFormatException($"The key {TsmKey.Describe(index.Key)} has no block.");
    }

    private static SamplePoint Read(TsmFile file, Candidate candidate, TsmPoints points)
    {
        var series = candidate.Key.AsSpan(0, candidate.SeriesLength);
        var field = candidate.Key.AsSpan(candidate.SeriesLength + TsmKey.Separator.Length);
        if (!candidate.CanWrite)
        {
            return new SamplePoint(series.ToArray(), field.ToArray(), candidate.Type, candidate.Entry.MaxTime, default);
        }

        var entry = candidate.Entry;
        if (entry.BlockSize is <= 0 or > TsmFormat.MaxBlockSize || !entry.FitsIn(file.IndexEnd))
        {
            throw new TsmFormatException($"{file.FileName}: the block at offset {entry.Offset} ({entry.Size} bytes) does not lie in the file.", entry.Offset);
        }

        var bytes = new byte[entry.Size];
        file.Read(entry.Offset, bytes);
        var body = bytes.AsSpan(TsmFormat.ChecksumSize);
        var checksum = new GzipChecksum();
        checksum.Update(body);
        if (checksum.Value != BinaryPrimitives.ReadUInt32BigEndian(bytes))
        {
            throw new TsmFormatException($"{file.FileName}: the checksum of the block at offset {entry.Offset} does not match.", entry.Offset);
        }

        points.Decode(body);
        if (points.Count == 0 || points.Type != candidate.Type || points.Times[^1] != entry.MaxTime)
        {
            throw new TsmFormatException($"{file.FileName}: the block at offset {entry.Offset} is not what the index says.", entry.Offset);
        }

        using var text = new TextBuffer(LineRoom);
        PointLine.Write(text, series, field, points, points.Count - 1);
        return new SamplePoint(series.ToArray(), field.ToArray(), candidate.Type, entry.MaxTime, text.Written.ToArray());
    }

    private static InfluxBackupException TypesDiffer(ShardKey shard, FieldName name, TsmBlockType one, TsmBlockType other) =>
        new("FieldTypeConflict", ErrorKind.InvalidData, $"The {name} has {FieldTypeName.Of(one)} and {FieldTypeName.Of(other)} values in what is to be merged into {shard}: a shard can't hold both.")
        {
            Subject = shard.ToString(),
            Remedy = "Merge the shards apart with -ShardId (--shard-id), into databases of their own.",
        };
}
