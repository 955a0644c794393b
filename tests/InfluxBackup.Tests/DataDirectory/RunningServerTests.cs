using System.Diagnostics;
using InfluxBackup.DataDirectory;

namespace InfluxBackup.Tests.DataDirectory;

public sealed class RunningServerTests : IDisposable
{
    private readonly ServerTree tree = new();

    public void Dispose() => tree.Dispose();

    [Fact]
    public void A_process_that_writes_below_the_directories_is_found()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells.");
        var file = tree.Add("data/db/rp/1/_00001.wal");
        Directory.CreateSymbolicLink(Path.Combine(tree.Root, "linked"), tree.Data);
        var directories = ServerDirectories.Open(Path.Combine(tree.Root, "linked"), null);
        Assert.Null(directories.FindRunningServer(CancellationToken.None));

        using (var reading = Start($"exec sleep 60 < '{file}'"))
        {
            Assert.Null(directories.FindRunningServer(CancellationToken.None));
        }
        using var writing = Start($"exec sleep 60 >> '{file}'");
        var warning = Wait(() => directories.FindRunningServer(CancellationToken.None));
        Assert.Contains($"process {writing.Process.Id} (", warning, StringComparison.Ordinal);
        Assert.Contains(file, warning, StringComparison.Ordinal);
    }

    private static string? Wait(Func<string?> ask)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(10); Thread.Sleep(20))
        {
            if (ask() is { } answer)
            {
                return answer;
            }
        }
        return null;
    }

    private static Running Start(string command) => new(Process.Start("/bin/sh", ["-c", command]));

    private sealed record Running(Process Process) : IDisposable
    {
        public void Dispose()
        {
            Process.Kill();
            Process.Dispose();
        }
    }
}
