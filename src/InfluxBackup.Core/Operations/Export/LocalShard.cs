using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Tsm;
using InfluxBackup.Tsm.Merging;

namespace InfluxBackup.Operations;

/// <summary>The files of one shard, open for a merge. What was unpacked for it goes with this object.</summary>
internal sealed class LocalShard : IDisposable
{
    private readonly List<MergeSource> sources = [];
    private readonly Stack<IDisposable> owned = new();
    private readonly ShardKey shard;
    private readonly Action<ExportFinding>? salvage;

    /// <param name="shard">The shard.</param>
    /// <param name="salvage">Told of files that are left out because they are damaged; null if the first of them is an error.</param>
    public LocalShard(ShardKey shard, Action<ExportFinding>? salvage)
    {
        this.shard = shard;
        this.salvage = salvage;
    }

    /// <summary>The files, oldest first.</summary>
    public IReadOnlyList<MergeSource> Sources => sources;

    public List<string> Warnings { get; } = [];

    /// <summary>The warnings, once.</summary>
    public IReadOnlyList<string> TakeWarnings()
    {
        var taken = Warnings.ToList();
        Warnings.Clear();
        return taken;
    }

    /// <summary>Disposes of something when the shard is disposed of.</summary>
    public void Own(IDisposable resource) => owned.Push(resource);

    /// <summary>Adds a TSM file that is newer than those before it.</summary>
    /// <param name="path">Path or name, for messages.</param>
    /// <param name="open">Opens it; from now on it is this object's.</param>
    /// <param name="openTombstone">Opens its tombstone file, where it has one.</param>
    /// <param name="cancel">Asked now and then.</param>
    /// <exception cref="InfluxBackupException">It can't be read or is damaged.</exception>
    public void Add(string path, Func<TsmFile> open, Func<TombstoneFile>? openTombstone, CancellationToken cancel)
    {
        try
        {
            var deletes = openTombstone is null ? TombstoneRanges.None : LoadDeletes(openTombstone, cancel);
            var file = open();
            owned.Push(file);
            CheckIndex(file, cancel);
            sources.Add(new MergeSource(file, deletes));
        }
        catch (TsmFormatException e)
        {
            if (salvage is null)
            {
                throw new InfluxBackupException("TsmFileDamaged", ErrorKind.InvalidData, $"'{path}' of {shard} is damaged (byte {e.Offset}): {e.Message}", e)
                {
                    Subject = path,
                    Remedy = ExportErrors.SalvageRemedy,
                };
            }

            salvage(new ExportFinding("FileDamaged", path, e.Offset, shard.Database, shard.RetentionPolicy, shard.Id, null, null, null, $"'{path}' is left out: {e.Message}"));
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(path, e);
        }
    }

    /// <summary>
    /// What can be saved of a damaged shard must be known before a line is written: an index is walked to its end. Otherwise
    /// its damage is found on the way, and ends the export.
    /// </summary>
    private void CheckIndex(TsmFile file, CancellationToken cancel)
    {
        using var index = file.ReadIndex();
        while (salvage is not null && index.ReadKey())
        {
            cancel.ThrowIfCancellationRequested();
            while (index.ReadEntry(out _))
            {
            }
        }
    }

    /// <summary>Adds a TSM file that lies in a directory.</summary>
    /// <inheritdoc cref="Add(string, Func{TsmFile}, Func{TombstoneFile}, CancellationToken)"/>
    public void Add(string path, string? tombstone, CancellationToken cancel) =>
        Add(path, () => TsmFile.Open(path), tombstone is null ? null : () => TombstoneFile.Open(tombstone), cancel);

    /// <summary>A tombstone that is cut deletes what its whole records say, as it does on a server.</summary>
    private TombstoneRanges LoadDeletes(Func<TombstoneFile> open, CancellationToken cancel)
    {
        using var tombstone = open();
        var ranges = TombstoneRanges.Load(tombstone, cancel);
        if (ranges.Warning is { } warning)
        {
            Warnings.Add($"'{tombstone.FileName}' of {shard}: {warning}");
        }

        return ranges;
    }

    public void Dispose()
    {
        while (owned.TryPop(out var resource))
        {
            resource.Dispose();
        }
    }
}
