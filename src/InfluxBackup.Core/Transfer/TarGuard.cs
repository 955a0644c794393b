using System.Buffers.Binary;
using InfluxBackup.Metadata;

namespace InfluxBackup.Transfer;

/// <summary>
/// The rules of a shard archive beyond those of tar: every entry lies inside the shard that was asked for, and every TSM
/// file begins and ends like one. Whoever gets past the guard can be written to disk or sent to a server.
/// </summary>
/// <param name="shard">The shard that the archive must hold.</param>
/// <param name="subject">What it is, for messages.</param>
/// <param name="checksTsmEnds">Whether the head and foot of TSM files are looked at.</param>
public sealed class TarGuard(ShardKey shard, string subject, bool checksTsmEnds = true) : ITarVisitor
{
    /// <summary>First five bytes of a TSM file: magic and version.</summary>
    private static ReadOnlySpan<byte> TsmHeader => [0x16, 0xd1, 0x16, 0xd1, 0x01];

    /// <summary>Last eight bytes of a TSM file: offset of its index.</summary>
    private const int TsmFooterSize = 8;

    /// <summary>A server keeps a shard at a handful of files; thousands are a server that can't compact.</summary>
    private const int MostEntries = 100_000;

    private readonly List<ShardArchiveEntry> entries = [];
    private readonly List<string> warnings = [];
    private readonly HashSet<string> names = new(StringComparer.Ordinal);
    private readonly string prefix = shard.Path + "/";
    private readonly byte[] head = new byte[5];
    private readonly byte[] tail = new byte[TsmFooterSize];
    private int headFill;
    private int tailFill;

    /// <summary>The entries so far, the current one included.</summary>
    public IReadOnlyList<ShardArchiveEntry> Entries => entries;

    /// <summary>What is odd but not wrong; complete after <see cref="Finish"/>.</summary>
    public IReadOnlyList<string> Warnings => warnings;

    /// <inheritdoc/>
    public void Begin(string name, long size, DateTime modified)
    {
        var file = FileBelowShard(name);
        if (entries.Count == MostEntries)
        {
            throw Unsafe(name, $"is one of more than {MostEntries}; no shard has so many files");
        }

        if (!names.Add(file))
        {
            warnings.Add($"'{file}' is in the archive twice; the later one counts.");
        }

        entries.Add(new ShardArchiveEntry(file, size, new DateTimeOffset(DateTime.SpecifyKind(modified, DateTimeKind.Utc))));
        headFill = 0;
        tailFill = 0;
    }

    /// <inheritdoc/>
    public void Data(ReadOnlySpan<byte> data)
    {
        if (!checksTsmEnds)
        {
            return;
        }

        if (headFill < head.Length)
        {
            var taken = Math.Min(data.Length, head.Length - headFill);
            data[..taken].CopyTo(head.AsSpan(headFill));
            headFill += taken;
        }

        if (data.Length >= TsmFooterSize)
        {
            data[^TsmFooterSize..].CopyTo(tail);
            tailFill = TsmFooterSize;
        }
        else
        {
            var kept = Math.Min(tailFill, TsmFooterSize - data.Length);
            tail.AsSpan(tailFill - kept, kept).CopyTo(tail);
            data.CopyTo(tail.AsSpan(kept));
            tailFill = kept + data.Length;
        }
    }

    /// <inheritdoc/>
    public void End()
    {
        var entry = entries[^1];
        if (!checksTsmEnds || !ShardFileName.IsTsm(entry.Name))
        {
            return;
        }

        if (!head.AsSpan(0, headFill).SequenceEqual(TsmHeader))
        {
            throw NotTsm(entry, entry.Size == 0 ? "it is empty" : "it does not begin with the TSM header");
        }

        var indexOffset = BinaryPrimitives.ReadUInt64BigEndian(tail);
        if (entry.Size < TsmHeader.Length + TsmFooterSize
            || indexOffset < (ulong)TsmHeader.Length
            || indexOffset >= (ulong)(entry.Size - TsmFooterSize))
        {
            throw NotTsm(entry, "its footer does not point to an index inside the file");
        }
    }

    /// <summary>Checks that need all entries.</summary>
    public void Finish()
    {
        foreach (var tombstone in names.Where(ShardFileName.IsTombstone).Order(StringComparer.Ordinal))
        {
            if (!names.Contains(ShardFileName.TsmOf(tombstone)))
            {
                warnings.Add($"'{tombstone}' has no TSM file beside it; its deletes apply to nothing in this archive.");
            }
        }
    }

    /// <summary>The name below the shard's directory, or an error when it lies anywhere else.</summary>
    private string FileBelowShard(string name)
    {
        if (name.Contains('\\', StringComparison.Ordinal) || name.Contains('\0', StringComparison.Ordinal)
            || name.Split('/').Any(part => part is "" or "." or ".."))
        {
            throw Unsafe(name, "leaves the shard's directory");
        }

        return name.StartsWith(prefix, StringComparison.Ordinal)
            ? name[prefix.Length..]
            : throw Unsafe(name, $"does not belong to {shard}: its name must begin with '{prefix}'");
    }

    private InfluxBackupException Unsafe(string name, string why) =>
        new("ShardArchiveUnsafe", ErrorKind.InvalidData, $"The archive of {subject} holds the entry '{name}', which {why}.")
        {
            Subject = subject,
        };

    private InfluxBackupException NotTsm(ShardArchiveEntry entry, string why) =>
        new("TsmFileDamaged", ErrorKind.InvalidData, $"The archive of {subject} holds '{entry.Name}' ({entry.Size} bytes), which is not a TSM file: {why}.")
        {
            Subject = subject,
        };
}
