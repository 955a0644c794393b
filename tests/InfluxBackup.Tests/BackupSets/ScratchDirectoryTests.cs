using InfluxBackup.BackupSets;
using InfluxBackup.IntegrationTests;
using Microsoft.Extensions.Logging.Abstractions;

namespace InfluxBackup.Tests.BackupSets;

public class ScratchDirectoryTests
{
    [Fact]
    public void Nothing_of_it_stays()
    {
        using var parent = new TemporaryDirectory();
        using (var scratch = ScratchDirectory.Create(NullLogger.Instance, parent.Path))
        {
            File.WriteAllText(Path.Combine(scratch.Path, "points"), "x");
        }
        Assert.Empty(Directory.EnumerateFileSystemEntries(parent.Path));
    }

    [Fact]
    public void What_a_killed_process_left_is_removed_by_the_next_and_what_is_in_use_is_not()
    {
        using var parent = new TemporaryDirectory();
        using var alive = ScratchDirectory.Create(NullLogger.Instance, parent.Path);
        var old = DateTime.UtcNow.AddHours(-2);
        Directory.SetLastWriteTimeUtc(alive.Path, old);
        var dead = Directory.CreateDirectory(Path.Combine(parent.Path, "influxbackup-dead")).FullName;
        File.WriteAllText(Path.Combine(dead, ".in-use"), "");
        File.WriteAllText(Path.Combine(dead, "points"), "x");
        Directory.SetLastWriteTimeUtc(dead, old);
        var young = Directory.CreateDirectory(Path.Combine(parent.Path, "influxbackup-young")).FullName;
        File.WriteAllText(Path.Combine(young, ".in-use"), "");
        var foreign = Directory.CreateDirectory(Path.Combine(parent.Path, "somebody-else")).FullName;

        using var next = ScratchDirectory.Create(NullLogger.Instance, parent.Path);
        Assert.False(Directory.Exists(dead));
        Assert.All([alive.Path, young, foreign, next.Path], path => Assert.True(Directory.Exists(path), path));
    }
}
