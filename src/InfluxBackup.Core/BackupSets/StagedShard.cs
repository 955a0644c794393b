using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm;
using InfluxBackup.Tsm.Merging;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.BackupSets;

/// <summary>
/// The TSM and tombstone files of one shard archive, unpacked into a temporary directory of their own, because a TSM file has its index
/// at its end and its deletes in another file. The directory goes with this object. It is made when the first file comes.
/// </summary>
/// <param name="shard">The shard.</param>
/// <param name="takes">Which files to take, by their names below the shard's directory; others are passed over.</param>
/// <param name="logger">Told where the directory can't be removed.</param>
/// <param name="parent">Where the directory is made; the system's place for temporary files unless given.</param>
public sealed class StagedShard(ShardKey shard, Func<string, bool> takes, ILogger logger, string? parent = null) : ITarVisitor, IDisposable
{
    internal const string TemporaryRemedy = "Free space in the directory for temporary files, or set another one with the environment variable TMPDIR (TEMP on Windows); nothing is left behind.";

    private readonly SortedDictionary<string, DateTime> files = new(StringComparer.Ordinal);
    private readonly HashSet<string> seen = new(StringComparer.Ordinal);
    private readonly string prefix = shard.Path + "/";
    private ScratchDirectory? directory;
    private FileStream? current;

    /// <summary>Which files belong to a shard that is uploaded: TSM files of safe names, and the tombstones beside them.</summary>
    public static bool IsPartOfUpload(string name) => ShardFileName.IsSafeTsmName(name) || IsTombstone(name);

    /// <summary>Whether a file is the tombstone of a TSM file that may be uploaded.</summary>
    public static bool IsTombstone(string name) => ShardFileName.IsTombstone(name) && ShardFileName.IsSafeTsmName(ShardFileName.TsmOf(name));

    /// <summary>Reads an archive to its end and unpacks it.</summary>
    /// <exception cref="InfluxBackupException">The archive breaks a rule, or the disk can't take the files.</exception>
    public async Task UnpackAsync(GuardedArchive archive, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(archive);
        var scanner = new TarScanner(this, shard.ToString());
        while (await archive.ReadAsync(cancel).ConfigureAwait(false) is { IsEmpty: false } piece)
        {
            try
            {
                scanner.Append(piece.Span);
            }
            catch (Exception e) when (LocalFile.IsFileError(e))
            {
                throw CannotStage(e);
            }
        }
    }

    /// <summary>
    /// Rewrites each TSM file that has a tombstone without its deleted points, and removes the tombstones. A file of which nothing is left
    /// goes. Every rewritten file is checked to its last point before it takes the place of the old one.
    /// </summary>
    /// <inheritdoc cref="Cut"/>
    public long ApplyDeletes(ICollection<string> warnings, CancellationToken cancel) => Cut(TsmSelection.Everything, warnings, cancel);

    /// <summary>
    /// The same, and rewrites each TSM file so that it has only the points that are wanted.
    /// </summary>
    /// <param name="wanted">Which points; with all of them only files with deletes are rewritten.</param>
    /// <param name="warnings">Takes what the user should know.</param>
    /// <param name="cancel">Asked before each block.</param>
    /// <returns>How many deletes were applied: ranges of time of a series' field.</returns>
    /// <exception cref="InfluxBackupException">A file is damaged, or the disk can't take the result.</exception>
    public long Cut(TsmSelection wanted, ICollection<string> warnings, CancellationToken cancel)
    {
        try
        {
            long applied = 0;
            foreach (var file in TsmFiles)
            {
                var deletes = LoadDeletes(file, warnings, cancel);
                applied += deletes.Records;
                Rewrite(file, wanted, deletes, cancel);
            }

            foreach (var tombstone in files.Keys.Where(ShardFileName.IsTombstone).ToList())
            {
                Remove(tombstone);
            }

            return applied;
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw CannotStage(e);
        }
    }

    /// <summary>Writes the points of each TSM file that are wanted, and are not deleted, into another directory. Changes nothing here.</summary>
    /// <param name="wanted">Which points.</param>
    /// <param name="destination">The directory.</param>
    /// <param name="warnings">Takes what the user should know.</param>
    /// <param name="cancel">Asked before each block.</param>
    /// <returns>The files that came of it, with the names they have here, and how many deletes were applied.</returns>
    /// <exception cref="InfluxBackupException">A file is damaged, or the disk can't take the result.</exception>
    public (IReadOnlyList<StagedFile> Files, long Deletes) CutInto(TsmSelection wanted, string destination, ICollection<string> warnings, CancellationToken cancel)
    {
        var written = new List<StagedFile>();
        var applied = 0L;
        try
        {
            foreach (var name in TsmFiles)
            {
                var deletes = LoadDeletes(name, warnings, cancel);
                applied += deletes.Records;
                var path = Path.Combine(destination, $"{shard.Id}-{name}");
                if (Select(name, wanted, deletes, path, cancel) is not null)
                {
                    written.Add(new StagedFile(name, path, files[name]));
                }
            }

            return (written, applied);
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw CannotStage(e);
        }
    }

    /// <summary>Counts the points that are wanted and not deleted. Changes nothing.</summary>
    /// <inheritdoc cref="Cut"/>
    public long CountPoints(TsmSelection wanted, ICollection<string> warnings, CancellationToken cancel)
    {
        try
        {
            var count = 0L;
            foreach (var name in TsmFiles)
            {
                var path = PathOf($"{name}.{Guid.NewGuid():N}");
                if (Select(name, wanted, LoadDeletes(name, warnings, cancel), path, cancel) is { } points)
                {
                    count += points;
                    File.Delete(path);
                }
            }

            return count;
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw CannotStage(e);
        }
    }

    /// <summary>Counts the deletes of all tombstones and so reads each to its end.</summary>
    /// <inheritdoc cref="ApplyDeletes"/>
    public long CountDeletes(ICollection<string> warnings, CancellationToken cancel)
    {
        try
        {
            return Tombstones().Sum(tombstone => Read(tombstone, warnings, file =>
            {
                while (file.Read())
                {
                    cancel.ThrowIfCancellationRequested();
                }

                return (file.Records, file.Warning);
            }));
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw CannotStage(e);
        }
    }

    /// <summary>The TSM files with their deletes, in the order of their names. The files are the caller's to close.</summary>
    /// <param name="warnings">Takes what the user should know.</param>
    /// <param name="cancel">Asked on the way.</param>
    /// <exception cref="InfluxBackupException">A tombstone is damaged, or a file can't be read.</exception>
    public IReadOnlyList<MergeSource> OpenFiles(ICollection<string> warnings, CancellationToken cancel)
    {
        var opened = new List<MergeSource>();
        try
        {
            foreach (var name in TsmFiles)
            {
                var deletes = LoadDeletes(name, warnings, cancel);
                opened.Add(new MergeSource(TsmFile.Open(PathOf(name)), deletes));
            }

            return opened;
        }
        catch (Exception e)
        {
            opened.ForEach(o => o.File.Dispose());
            throw LocalFile.IsFileError(e) ? CannotStage(e) : e;
        }
    }

    /// <summary>The names of the TSM files, in their order.</summary>
    public IReadOnlyList<string> TsmFiles => files.Keys.Where(ShardFileName.IsTsm).ToList();

    /// <summary>One of the files.</summary>
    public StagedFile Find(string name) => new(name, PathOf(name), files[name]);

    /// <inheritdoc/>
    void ITarVisitor.Begin(string name, long size, DateTime modified)
    {
        var file = name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;
        seen.Add(file);
        if (!takes(file))
        {
            return;
        }

        directory ??= ScratchDirectory.Create(logger, parent);
        current = LocalFile.Create(PathOf(file));
        files[file] = modified;
    }

    /// <inheritdoc/>
    void ITarVisitor.Data(ReadOnlySpan<byte> data) => current?.Write(data);

    /// <inheritdoc/>
    void ITarVisitor.End()
    {
        current?.Dispose();
        current = null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        current?.Dispose();
        current = null;
        Interlocked.Exchange(ref directory, null)?.Dispose();
    }

    /// <summary>A tombstone is for the file of its own name; where the archive has no such file it applies to nothing.</summary>
    private List<string> Tombstones() =>
        files.Keys.Where(n => ShardFileName.IsTombstone(n) && seen.Contains(ShardFileName.TsmOf(n))).ToList();

    private string PathOf(string name) => Path.Combine(directory!.Path, name);

    private void Rewrite(string name, TsmSelection wanted, TombstoneRanges deletes, CancellationToken cancel)
    {
        if (deletes.IsEmpty && wanted.IsEverything)
        {
            return;
        }

        var rewritten = PathOf(name + ".rewritten");
        if (Select(name, wanted, deletes, rewritten, cancel) is not null)
        {
            File.Move(rewritten, PathOf(name), overwrite: true);
        }
        else
        {
            Remove(name);
        }
    }

    /// <summary>
    /// Writes a file of the points of another one that are wanted, and checks it to its last point. Says how many there are; where there are
    /// none there is no file, and null.
    /// </summary>
    private long? Select(string name, TsmSelection wanted, TombstoneRanges deletes, string rewritten, CancellationToken cancel)
    {
        try
        {
            TsmRewriteReport report;
            using (var source = TsmFile.Open(PathOf(name)))
            using (var destination = LocalFile.Create(rewritten))
            {
                report = TsmRewriter.Rewrite(source, wanted, deletes, destination, directory!.Path, cancel);
            }

            if (report.IsEmpty)
            {
                File.Delete(rewritten);
                return null;
            }
        }
        catch (TsmFormatException e)
        {
            throw Damaged("TsmFileDamaged", name, $"{Task(wanted)} can't be taken away: {e.Message.Replace(PathOf(name), name, StringComparison.Ordinal)}", e);
        }

        using var result = TsmFile.Open(rewritten);
        var verified = TsmFileVerifier.Verify(result, cancel);
        return verified.IsSound
            ? verified.Points
            : throw Damaged("TsmFileDamaged", name, $"What is left without {Task(wanted).ToLowerInvariant()} is not sound: {verified.Problems[0]}");
    }

    private static string Task(TsmSelection wanted) => wanted.IsEverything ? "Its deleted points" : "Points that belong into another shard";

    private TombstoneRanges LoadDeletes(string name, ICollection<string> warnings, CancellationToken cancel)
    {
        var tombstone = Path.ChangeExtension(name, ".tombstone");
        return !files.ContainsKey(tombstone) ? TombstoneRanges.None : Read(tombstone, warnings, file =>
        {
            var ranges = TombstoneRanges.Load(file, cancel);
            return (ranges, ranges.Warning);
        });
    }

    /// <summary>A tombstone file that is cut deletes what its whole records say, as it does on a server; other damage is an error.</summary>
    private T Read<T>(string tombstone, ICollection<string> warnings, Func<TombstoneFile, (T Value, string? Warning)> read)
    {
        try
        {
            using var file = TombstoneFile.Open(PathOf(tombstone));
            var (value, warning) = read(file);
            if (warning is not null)
            {
                warnings.Add($"'{tombstone}' of {shard}: {warning}");
            }

            return value;
        }
        catch (TsmFormatException e)
        {
            throw Damaged("TombstoneDamaged", tombstone, $"Which points are deleted can't be told: {e.Message}", e);
        }
    }

    private void Remove(string name)
    {
        File.Delete(PathOf(name));
        files.Remove(name);
    }

    private InfluxBackupException Damaged(string id, string name, string what, Exception? inner = null) =>
        new(id, ErrorKind.InvalidData, $"The archive of {shard} holds '{name}', which is damaged. {what}", inner)
        {
            Subject = shard.ToString(),
            Remedy = "Leave the shard out with -AllowPartial (--allow-partial), or restore another backup.",
        };

    private InfluxBackupException CannotStage(Exception e) => LocalFile.WriteFailed(directory?.Path ?? parent ?? Path.GetTempPath(), e, TemporaryRemedy);
}

/// <summary>A TSM file of a shard that is unpacked.</summary>
/// <param name="Name">Its name in the shard.</param>
/// <param name="Path">Where it lies.</param>
/// <param name="Modified">When the server wrote it, UTC.</param>
public sealed record StagedFile(string Name, string Path, DateTime Modified);
