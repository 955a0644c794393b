using System.Security.Cryptography;
using InfluxBackup.Emulator;
using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.IntegrationTests.Emulator;

/// <summary>The real programs are the judges: what they take from the emulator and give to it is what a real server would give and get.</summary>
public sealed class InfluxdJudgesTests
{
    [RealServerFact]
    public async Task Influxd_backs_up_the_emulator_and_restores_that_into_a_real_server()
    {
        await using var test = await TestNode.SampleAsync();
        using var set = new TemporaryDirectory();
        (await OfficialTool.BackupAsync(test.Node.Address, set)).EnsureSuccess();
        Assert.Equal(SampleData.ShardIds.Count, Directory.GetFiles(set, "*.tar.gz").Length);

        await using var server = await InfluxServer.StartAsync();
        await Engine.OfficialRestoreAsync(server, set);

        // The official tool brings deleted points back, so the log entries of web02 count again.
        await ExpectSampleAsync(server, logEntries: 4 * 3 * 24);
    }

    [RealServerFact]
    public async Task Influxd_restores_a_golden_set_into_the_emulator()
    {
        await using var golden = await TestNode.GoldenAsync();
        await using var test = await TestNode.EmptyAsync();
        (await OfficialTool.RestoreAsync(test.Node.Address, TestNode.GoldenSet, ["-db", "golden", "-newdb", "g2"])).EnsureSuccess();
        await test.Node.WaitUntilIdleAsync(TimeSpan.FromSeconds(10));
        Assert.Empty(test.Node.Log);
        Assert.Equal("g2", Assert.Single(test.Node.Metadata.Read().Databases).Name);
        Assert.Equal(Files(golden.Node, "golden"), Files(test.Node, "g2"));
    }

    [RealServerFact]
    public async Task Influxd_restores_into_the_emulator_what_it_took_from_it()
    {
        await using var source = await TestNode.SampleAsync();
        await using var target = await TestNode.SampleAsync();
        using var set = new TemporaryDirectory();
        (await OfficialTool.BackupAsync(source.Node.Address, set, ["-db", SampleData.OddlyNamedDatabase])).EnsureSuccess();
        (await OfficialTool.RestoreAsync(target.Node.Address, set, ["-db", SampleData.OddlyNamedDatabase, "-newdb", "Kopie"])).EnsureSuccess();
        await target.Node.WaitUntilIdleAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(Files(source.Node, SampleData.OddlyNamedDatabase), Files(target.Node, "Kopie"));
    }

    [RealServerFact]
    public async Task Influxd_runs_on_the_sample_directory()
    {
        using var directory = new TemporaryDirectory();
        SampleData.Create(directory);
        await using var server = await InfluxServer.StartAsync(new InfluxServerOptions { Directory = directory });
        await ExpectSampleAsync(server, logEntries: (4 * 3 * 24) - 24);
    }

    private static async Task ExpectSampleAsync(InfluxServer server, int logEntries)
    {
        Assert.Equal(4 * 288 * 3, await CountAsync("usage", "\"demo\".\"daily\".\"cpu\""));
        Assert.Equal(logEntries, await CountAsync("message", "\"demo\".\"daily\".\"log\""));
        Assert.Equal(400 * 3, await CountAsync("usage", "\"demo\".\"long term\".\"cpu_1h\""));
        Assert.Equal(14 * 24, await CountAsync("wert", "\"Wetter Köln\".\"Messwerte für später\".\"temperature\""));

        async Task<int> CountAsync(string field, string measurement)
        {
            var series = await server.Http.QueryAsync($"SELECT count(\"{field}\") FROM {measurement}");
            return int.Parse(Assert.Single(series).Rows[0][1]!, System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    /// <summary>All files but tombstones, which no upload takes along; in the order of the shards, whose ids differ by design.</summary>
    private static List<string> Files(EmulatedDataNode node, string database) =>
    [
        .. from policy in node.Metadata.Read().Databases.Single(d => d.Name == database).RetentionPolicies
           from shard in policy.ShardGroups.SelectMany(g => g.Shards)
           let directory = Path.Combine(node.DataDirectory, database, policy.Name, $"{shard.ID}")
           where Directory.Exists(directory)
           from file in Directory.GetFiles(directory).Order(StringComparer.Ordinal)
           where !file.EndsWith(".tombstone", StringComparison.Ordinal)
           select $"{policy.Name}/{Path.GetFileName(file)}: {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}",
    ];
}
