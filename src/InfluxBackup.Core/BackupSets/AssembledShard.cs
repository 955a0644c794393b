using InfluxBackup.Tsm;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.BackupSets;

/// <summary>The files that make a shard of a target, from one source after the other, older ones first. They go with this object.</summary>
internal sealed class AssembledShard(ILogger logger, string? temporary) : IDisposable
{
    private readonly List<IReadOnlyList<StagedFile>> files = [];
    private readonly List<IDisposable> owned = [];

    /// <summary>How many deletes were applied.</summary>
    public long Deletes { get; private set; }

    public List<string> Warnings { get; } = [];

    /// <summary>Takes care that an unpacked shard goes with this object.</summary>
    public void Keep(StagedShard shard) => owned.Add(shard);

    /// <summary>Takes the files of a shard that nobody else wants anything of, and cuts them where they lie.</summary>
    public void TakeOver(UnpackedShard shard, TsmSelection wanted, CancellationToken cancel)
    {
        Warnings.AddRange(shard.Warnings);
        Deletes += shard.Files.Cut(wanted, Warnings, cancel);
        files.Add(shard.Files.TsmFiles.Select(shard.Files.Find).ToList());
    }

    /// <summary>Writes files of what is wanted of a shard that others want something of too.</summary>
    public void TakeFrom(UnpackedShard shard, TsmSelection wanted, CancellationToken cancel)
    {
        Warnings.AddRange(shard.Warnings);
        ScratchDirectory directory;
        try
        {
            directory = ScratchDirectory.Create(logger, temporary);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.WriteFailed(temporary ?? Path.GetTempPath(), e, StagedShard.TemporaryRemedy);
        }

        owned.Add(directory);
        var (written, deletes) = shard.Files.CutInto(wanted, directory.Path, Warnings, cancel);
        Deletes += deletes;
        files.Add(written);
    }

    /// <summary>The files under their new names.</summary>
    public List<(string Path, string Name, DateTime Modified)> Name(FileNumbering numbering)
    {
        var names = numbering.Name(files.Select(f => f.Select(file => file.Name).ToList()).ToList());
        return files.SelectMany((source, i) => source.Zip(names[i], (file, name) => (file.Path, name, file.Modified))).ToList();
    }

    /// <inheritdoc/>
    public void Dispose() => owned.ForEach(o => o.Dispose());
}
