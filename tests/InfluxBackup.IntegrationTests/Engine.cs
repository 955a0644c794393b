using InfluxBackup.Http;
using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;
using InfluxBackup.Transfer;
using TestResult = InfluxBackup.Operations.TestResult;

namespace InfluxBackup.IntegrationTests;

/// <summary>Runs operations with as few words as a test needs.</summary>
internal static class Engine
{
    /// <summary>Retries that fail within a test's patience.</summary>
    public static readonly TransferOptions FastRetry = new()
    {
        MaxAttempts = 4,
        RetryDelay = TimeSpan.FromMilliseconds(20),
        MaxRetryDelay = TimeSpan.FromMilliseconds(100),
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static ServerAccess Access(InfluxServer server, bool withHttp = false) => new()
    {
        DataNode = DataNodeAddress.Parse(server.DataNode),
        Http = withHttp ? new InfluxHttpOptions { Uri = server.HttpAddress } : null,
    };

    public static BackupOptions BackupOptions(InfluxServer server, string path) =>
        new() { Server = Access(server), Path = path, Retry = FastRetry };

    public static RestoreOptions RestoreOptions(InfluxServer server, string path) =>
        new() { Server = Access(server), Path = path, Retry = FastRetry };

    public static async Task<BackupResult> BackupAsync(BackupOptions options)
    {
        var operation = new BackupOperation(options);
        return await operation.RunAsync(await operation.PlanAsync(Cancel), Cancel);
    }

    public static async Task<RestoreResult> RestoreAsync(RestoreOptions options)
    {
        var operation = new RestoreOperation(options);
        return await operation.RunAsync(await operation.PlanAsync(Cancel), Cancel);
    }

    public static async Task<IReadOnlyList<TestResult>> TestAsync(string path)
    {
        var results = new List<TestResult>();
        await foreach (var result in new TestOperation(new TestOptions { Path = path }).RunAsync(Cancel))
        {
            results.Add(result);
        }

        return results;
    }

    /// <summary>
    /// The official tool does not wait until the server has taken in what it sent; reading the shards does.
    /// </summary>
    public static async Task OfficialRestoreAsync(InfluxServer target, string path)
    {
        (await OfficialTool.RestoreAsync(target.DataNode, path, cancel: Cancel)).EnsureSuccess();
        await target.Snapshots.FlushAsync(Cancel);
    }

    public static ShardSelection Only(string database) => new() { Databases = [database] };
}
