using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm;
using InfluxBackup.Tsm.Merging;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.BackupSets;

/// <summary>
/// Several copies of one shard, from several owners, made into one archive by a <see cref="ShardMerger"/>. Each copy is unpacked into a
/// temporary directory as it comes; the disk holds all of them and the result for a while.
/// <code>
/// using var copies = new MergedCopies(shard, logger);
/// await copies.AddAsync(archive, owner, cancel);        one after another, the freshest copy last
/// var (stream, report) = copies.Merge(cancel);
/// </code>
/// </summary>
/// <param name="shard">The shard.</param>
/// <param name="logger">Takes what happens on the way.</param>
/// <param name="temporary">Where copies are unpacked; the system's place for temporary files unless given.</param>
public sealed class MergedCopies(ShardKey shard, ILogger logger, string? temporary = null) : IDisposable
{
    private readonly List<(StagedShard Files, string Owner)> copies = [];
    private ScratchDirectory? directory;

    /// <summary>Unpacks a copy. The freshest has to come last.</summary>
    /// <param name="archive">The copy's archive, under the shard's own names; read to its end.</param>
    /// <param name="owner">Whose copy it is, for messages.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="InfluxBackupException">The archive breaks a rule, or the disk can't take it.</exception>
    public async Task AddAsync(GuardedArchive archive, string owner, CancellationToken cancel)
    {
        var copy = new StagedShard(shard, StagedShard.IsPartOfUpload, logger, temporary);
        copies.Add((copy, owner));
        await copy.UnpackAsync(archive, cancel).ConfigureAwait(false);
    }

    /// <summary>
    /// Makes one archive of the copies, without deleted points, and checks it to its last point. What was unpacked is removed; the result goes with
    /// the stream. Runs on the caller's thread, as long as it takes to read and write the shard.
    /// </summary>
    /// <exception cref="InfluxBackupException">A file is damaged, or the disk can't take the result.</exception>
    public (ShardStream Stream, ShardMergeReport Report) Merge(CancellationToken cancel)
    {
        var warnings = new List<string>();
        try
        {
            directory = ScratchDirectory.Create(logger, temporary);
            var modified = copies.SelectMany(c => c.Files.TsmFiles.Select(f => c.Files.Find(f).Modified)).DefaultIfEmpty(DateTime.UnixEpoch).Max();
            var report = MergeFiles(directory.Path, warnings, cancel);
            copies.ForEach(c => c.Files.Dispose());
            copies.Clear();
            foreach (var name in report.Files)
            {
                using var file = TsmFile.Open(Path.Combine(directory.Path, name));
                var verified = TsmFileVerifier.Verify(file, cancel);
                if (!verified.IsSound)
                {
                    throw Damaged($"What was made of them is not sound: {verified.Problems[0]}", null);
                }
            }

            var files = report.Files.Select(name => (Path.Combine(directory.Path, name), name, modified)).ToList();
            var stream = new ShardStream(new StagedShardStream(shard, files, directory)) { Warnings = warnings };
            directory = null;
            return (stream, report);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.WriteFailed(directory?.Path ?? temporary ?? Path.GetTempPath(), e, StagedShard.TemporaryRemedy);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        copies.ForEach(c => c.Files.Dispose());
        directory?.Dispose();
    }

    private ShardMergeReport MergeFiles(string path, List<string> warnings, CancellationToken cancel)
    {
        var opened = new List<IReadOnlyList<MergeSource>>();
        try
        {
            foreach (var copy in copies)
            {
                opened.Add(copy.Files.OpenFiles(warnings, cancel));
            }

            return ShardMerger.Merge(opened, name => LocalFile.Create(Path.Combine(path, name)), path, cancel);
        }
        catch (TsmFormatException e)
        {
            var message = e.Message;
            foreach (var (files, owner) in opened.Zip(copies, (files, copy) => (files, copy.Owner)))
            {
                message = files.Aggregate(message, (text, f) => text.Replace(f.File.FileName, $"{Path.GetFileName(f.File.FileName)} of {owner}", StringComparison.Ordinal));
            }

            throw Damaged(message, e);
        }
        finally
        {
            foreach (var source in opened.SelectMany(o => o))
            {
                source.File.Dispose();
            }
        }
    }

    private InfluxBackupException Damaged(string what, Exception? inner) =>
        new("TsmFileDamaged", ErrorKind.InvalidData, $"The copies of {shard} can't be merged: {what}", inner)
        {
            Subject = shard.ToString(),
            Remedy = "One owner's copy is damaged. Back the shard up from another owner alone, and repair the damaged copy.",
        };
}
