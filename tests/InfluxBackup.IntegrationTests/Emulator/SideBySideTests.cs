using InfluxBackup.Emulator;
using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.IntegrationTests.Emulator;

/// <summary>The same requests to the emulator and to a real server on the same files.</summary>
public sealed class SideBySideTests
{
    private static readonly (string Start, string End)[] Ranges =
    [
        ("1700-01-01T00:00:00Z", "1700-01-02T00:00:00Z"),
        (SnapshotterRequest.ZeroTime, SnapshotterRequest.ZeroTime),
        (SnapshotterRequest.ZeroTime, "2262-04-11T23:47:16Z"),
        ("2017-05-02T00:00:00Z", SnapshotterRequest.ZeroTime),
        ("2017-05-02T00:00:00Z", "2017-05-02T11:55:00Z"),
        ("2017-05-02T00:00:00Z", "2017-05-03T00:00:00Z"),
        ("2017-05-02T01:00:00.5Z", "2017-05-02T12:00:00Z"),
        ("2017-05-01T12:01:00Z", "2017-05-01T12:02:00Z"),
        ("2017-01-01T00:00:00Z", "2017-05-09T00:00:00Z"),
        ("2017-05-09T00:00:00Z", "2017-01-01T00:00:00Z"),
    ];

    [RealServerFact]
    public async Task Exports_of_all_shards_and_ranges_are_the_real_servers()
    {
        await CompareAsync(
            from id in SampleData.ShardIds
            from range in Ranges
            select new SnapshotterRequest(SnapshotterRequestType.ShardExport) { ShardId = id, ExportStart = range.Start, ExportEnd = range.End });
    }

    [RealServerFact]
    public async Task Backups_of_all_shards_are_the_real_servers()
    {
        await CompareAsync(
            from id in SampleData.ShardIds.Append(99UL)
            from since in new[] { SnapshotterRequest.ZeroTime, "2262-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "never" }
            select new SnapshotterRequest(SnapshotterRequestType.ShardBackup) { ShardId = id, Since = since });
    }

    [RealServerFact]
    public async Task Lists_are_the_real_servers()
    {
        await CompareAsync(
            from type in new[] { SnapshotterRequestType.DatabaseInfo, SnapshotterRequestType.RetentionPolicyInfo, SnapshotterRequestType.SeriesFileBackup }
            from database in new[] { "", "demo", SampleData.OddlyNamedDatabase, "nosuch" }
            from policy in new[] { "", "daily", "autogen", "Messwerte für später" }
            select new SnapshotterRequest(type) { BackupDatabase = database, BackupRetentionPolicy = policy });
    }

    private static async Task CompareAsync(IEnumerable<SnapshotterRequest> requests)
    {
        using var directory = new TemporaryDirectory();
        SampleData.Create(directory);
        await using var real = await InfluxServer.StartAsync(new InfluxServerOptions { Directory = directory });
        await using var test = await TestNode.SampleAsync();
        foreach (var request in requests)
        {
            var expected = await RawClient.AskAsync(DataNodeAddress.Parse(real.DataNode).Port, request.ToBytes());
            var actual = await RawClient.AskAsync(test.Node.Port, request.ToBytes());
            Assert.True(expected.WasReset == actual.WasReset, $"{request}: the ends differ.");
            Assert.True(Describe(request, expected.Bytes) == Describe(request, actual.Bytes), $"{request}:\n{Describe(request, expected.Bytes)}\n{Describe(request, actual.Bytes)}");
        }
    }

    /// <summary>Lists by their meaning, since JSON may escape; archives by their bytes but for what depends on the moment and the user.</summary>
    private static string Describe(SnapshotterRequest request, byte[] answer)
    {
        if (answer.Length == 0)
        {
            return "nothing";
        }

        if (request.Type is SnapshotterRequestType.DatabaseInfo or SnapshotterRequestType.RetentionPolicyInfo)
        {
            return string.Join('\n', ShardPathList.Parse(answer, "test"));
        }

        return TarArchive.IsComplete(answer)
            ? $"{answer.Length} bytes:\n{string.Join('\n', TarArchive.Read(answer).Select(f => $"{f.Name} {Convert.ToHexString(f.Content)}"))}"
            : $"{answer.Length} bytes, broken off";
    }
}
