using InfluxBackup.BackupSets;
using Microsoft.Extensions.Logging.Abstractions;

namespace InfluxBackup.Tests.BackupSets;

/// <summary>Whenever a run dies, the next one finds every file it left, and touches nothing else.</summary>
public sealed class AbandonedRunsTests : IDisposable
{
    private const string Dead = "20240102T120001Z";
    private const string ForeignDirectory = "20240102T120009Z.meta.partial";
    private const string Partial = LocalFile.PartialSuffix;

    private static readonly string[] Foreign =
    [
        "20230101T000000Z.s1.tar.gz", "20230101T000000Z.meta", "notes.partial", "20240102T120001Z.notes.partial", "x20240102T120001Z.meta.partial",
        "20240102T120001Z.s1.tar.gz.partial.old", "20240102T120001.meta.partial", "meta.00", "db.rp.00001.00.pending",
    ];

    private readonly TemporaryDirectory directory = new();

    private string[] before = [];

    public void Dispose() => directory.Dispose();

    /// <summary>A set with a good backup, files of others, and a second backup whose files have all got their names.</summary>
    private async Task<string[]> PrepareAsync()
    {
        await Sets.MakeAsync(directory, null, 1, 2);
        var good = Sets.Names(directory);
        Assert.Equal(Dead, await Sets.MakeAsync(directory, null, 1, 2, 3));
        foreach (var name in Foreign)
        {
            File.WriteAllText(directory[name], name);
        }

        Directory.CreateDirectory(directory[ForeignDirectory]);
        before = [.. good.Concat(Foreign).Append(ForeignDirectory).Order(StringComparer.Ordinal)];

        // The order in which a commit gives them their names.
        return [$"{Dead}.s1.tar.gz", $"{Dead}.s2.tar.gz", $"{Dead}.s3.tar.gz", $"{Dead}.meta", $"{Dead}.manifest"];
    }

    private void Undo(IEnumerable<string> names)
    {
        foreach (var name in names)
        {
            File.Move(directory[name], directory[name + Partial]);
        }
    }

    private IReadOnlyList<string> Clean() => AbandonedRuns.Remove(BackupSet.Open(directory), NullLogger.Instance);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task A_run_that_died_after_so_many_renames_is_removed_whole(int renames)
    {
        var files = await PrepareAsync();
        Undo(files.Skip(renames));
        var removed = Clean();
        Assert.Equal(before, Sets.Names(directory));
        Assert.Equal(5, removed.Count);
        Assert.Empty(Clean());
    }

    [Fact]
    public async Task A_run_that_died_while_it_wrote_its_manifest_is_removed_whole()
    {
        var files = await PrepareAsync();
        Undo(files);
        var manifest = File.ReadAllBytes(directory[files[4] + Partial]);
        var others = files.Take(4).ToDictionary(f => f, f => File.ReadAllBytes(directory[f + Partial]));
        for (var length = 0; length < manifest.Length; length += 37)
        {
            File.WriteAllBytes(directory[files[4] + Partial], manifest[..length]);
            foreach (var (name, content) in others)
            {
                File.WriteAllBytes(directory[name + Partial], content);
            }

            Assert.Equal(5, Clean().Count);
            Assert.Equal(before, Sets.Names(directory));
        }
    }

    [Fact]
    public async Task A_run_that_died_while_it_copied_is_removed_whole()
    {
        var files = await PrepareAsync();
        Undo(files);
        File.Delete(directory[files[4] + Partial]);
        File.Delete(directory[files[3] + Partial]);
        Assert.Equal(3, Clean().Count);
        Assert.Equal(before, Sets.Names(directory));
    }

    [Fact]
    public async Task A_backup_that_was_committed_is_never_touched()
    {
        var files = await PrepareAsync();
        var all = Sets.Names(directory);
        Assert.Empty(Clean());
        Assert.Equal(all, Sets.Names(directory));

        // Its partial manifest may lie about as well; only that goes.
        File.Copy(directory[files[4]], directory[files[4] + Partial]);
        Assert.Equal([files[4] + Partial], Clean());
        Assert.Equal(all, Sets.Names(directory));
    }

    [Fact]
    public async Task A_partial_manifest_names_no_file_of_another_backup()
    {
        var files = await PrepareAsync();
        Undo(files);
        var path = directory[files[4] + Partial];
        File.WriteAllText(path, File.ReadAllText(path).Replace($"{Dead}.s1.tar.gz", "20240102T120000Z.s1.tar.gz", StringComparison.Ordinal));
        Clean();
        Assert.Equal(before, Sets.Names(directory));
    }

    [Fact]
    public async Task The_next_run_cleans_up_by_itself()
    {
        var files = await PrepareAsync();
        Undo(files.Skip(2));
        Sets.Begin(directory, Sets.Noon.AddDays(1)).Dispose();
        Assert.Equal(before, Sets.Names(directory));
    }
}
