using InfluxBackup.Emulator;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.IntegrationTests.Cli;

/// <summary>Whatever ends a run, and whenever: nothing half-written is ever visible, and the next run cleans up.</summary>
public sealed class InterruptionTests(ITestOutputHelper output)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_request_to_end_leaves_nothing_of_a_backup(bool terminate)
    {
        await using var server = await SampleNode.StartAsync();
        server.Slow(3000);
        using var process = CliProcess.Start("backup", "--path", server.Set, "--data-node", server.Address, "--json");
        await server.WaitForPartialFileAsync(process);

        if (terminate)
        {
            process.Terminate();
        }
        else
        {
            process.Interrupt();
        }

        var run = (await process.WaitAsync()).Expect(130);
        Assert.Equal(["Cancelled"], run.ErrorIds);
        Assert.Empty(run.Output);
        Assert.Empty(server.SetFiles);
    }

    [Fact]
    public async Task A_restore_that_is_cancelled_names_what_it_leaves()
    {
        await using var server = await SampleNode.StartAsync();
        (await CliProcess.RunAsync("backup", "--path", server.Set, "--data-node", server.Address)).Expect(0);
        server.Slow(3000, SnapshotterRequestType.ShardUpdate);
        using var process = CliProcess.Start("restore", "--path", server.Set, "--data-node", server.Address, "--database", "demo", "--new-database", "copy");
        while (!server.Node.Requests.Any(r => r.Type == SnapshotterRequestType.ShardUpdate))
        {
            Assert.False(process.HasExited, "The restore ended before it was met in the middle.");
            await Task.Delay(5, Cancel);
        }

        process.Interrupt();

        Assert.Contains("copy", (await process.WaitAsync()).Expect(130).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_one_run_at_a_time_writes_into_a_set()
    {
        await using var server = await SampleNode.StartAsync();
        server.Slow(10_000);
        using var first = CliProcess.Start("backup", "--path", server.Set, "--data-node", server.Address);
        await server.WaitForPartialFileAsync(first);

        var second = (await CliProcess.RunAsync("backup", "--path", server.Set, "--data-node", server.Address, "--json")).Expect(1);

        Assert.Equal(["BackupSetInUse"], second.ErrorIds);
        Assert.False(first.HasExited);
        (await first.WaitAsync()).Expect(0);
        (await CliProcess.RunAsync("test", "--path", server.Set)).Expect(0);
    }

    [Fact]
    public async Task A_kill_at_any_moment_leaves_nothing_visible_that_is_half_written()
    {
        await using var server = await SampleNode.StartAsync();
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var killed = 0;
        for (var round = 0; round < 16; round++)
        {
            // Every other run is at full speed: then the moments near its end, when the files get their names, are met too.
            server.Node.Faults.Clear();
            if (round % 2 == 0)
            {
                server.Slow(15_000);
            }

            using var process = CliProcess.Start("backup", "--path", server.Set, "--data-node", server.Address);
            await Task.Delay(random.Next(100, round % 2 == 0 ? 2000 : 700), Cancel);
            killed += process.HasExited ? 0 : 1;
            process.Kill();
            await process.WaitAsync();
            await AssertWhatIsVisibleIsWholeAsync(server);
        }

        output.WriteLine($"{killed} runs were killed");
        Assert.InRange(killed, 4, 16);
        server.Node.Faults.Clear();
        (await CliProcess.RunAsync("backup", "--path", server.Set, "--data-node", server.Address)).Expect(0);

        await AssertWhatIsVisibleIsWholeAsync(server);
        var manifests = server.SetFiles.Where(f => f.EndsWith(".manifest", StringComparison.Ordinal)).Select(f => Path.GetFileNameWithoutExtension(f) + ".").ToList();
        Assert.All(server.SetFiles, file => Assert.Contains(manifests, m => file.StartsWith(m, StringComparison.Ordinal)));
        Assert.DoesNotContain(server.SetFiles, f => f.EndsWith(".partial", StringComparison.Ordinal));
    }

    private static async Task AssertWhatIsVisibleIsWholeAsync(SampleNode server)
    {
        if (server.SetFiles.Any(f => f.EndsWith(".manifest", StringComparison.Ordinal)))
        {
            var run = (await CliProcess.RunAsync("test", "--path", server.Set, "--json")).Expect(0);
            Assert.All(run.OutputObjects, backup => Assert.Equal(7, backup.GetProperty("shardCount").GetInt32()));
        }
        else if (Directory.Exists(server.Set))
        {
            Assert.Equal(["NoBackup"], (await CliProcess.RunAsync("test", "--path", server.Set, "--json")).Expect(1).ErrorIds);
        }
    }
}
