using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Operations;

namespace InfluxBackup.IntegrationTests.Merging;

/// <summary>
/// A server with a database, and a backup of another server's database of that name. What a merge must give is told by a model: the
/// values of both as they were before, of which one side's count where they meet.
/// </summary>
internal sealed class MergeScene : IAsyncDisposable
{
    public const string Database = "db";

    /// <summary>2017-07-10T00:00:00Z, a Monday: shard groups of a week begin there.</summary>
    public const long Start = 1_499_644_800_000_000_000;

    private const long HalfDay = 43_200_000_000_000;

    private readonly TemporaryDirectory set = new();

    private MergeScene(InfluxServer source, InfluxServer target) => (Source, Target) = (source, target);

    /// <summary>What is backed up.</summary>
    public InfluxServer Source { get; }

    /// <summary>What is merged into.</summary>
    public InfluxServer Target { get; }

    public string Set => set;

    public static async Task<MergeScene> StartAsync(SeriesIndex index, CancellationToken cancel, string sourceGroups = "7d", string targetGroups = "7d")
    {
        var source = await InfluxServer.StartAsync(cancel: cancel);
        try
        {
            var target = await InfluxServer.StartAsync(new InfluxServerOptions { Index = index, DataSettings = ["compact-full-write-cold-duration = \"1s\""] }, cancel);
            foreach (var (server, groups) in ((InfluxServer, string)[])[(source, sourceGroups), (target, targetGroups)])
            {
                await server.Http.ExecuteAsync($"CREATE DATABASE {Database} WITH DURATION INF SHARD DURATION {groups} NAME rp", cancel: cancel);
            }

            return new MergeScene(source, target);
        }
        catch
        {
            await source.DisposeAsync();
            throw;
        }
    }

    /// <summary>Times half a day apart.</summary>
    public static long Time(int at) => Start + (at * HalfDay);

    /// <summary>A server refuses writes in the short moment in which it opens a shard again.</summary>
    public static async Task RetryAsync(Func<Task> write)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await write();
                return;
            }
            catch (InfluxHttpException e) when (e.IsShardBusy && attempt < 50)
            {
                await Task.Delay(20);
            }
        }
    }

    /// <summary>What the backup holds.</summary>
    public PointModel Backup { get; private set; } = new();

    /// <summary>Writes points to the source, and into files.</summary>
    public async Task WriteToSourceAsync(string lines, CancellationToken cancel)
    {
        await Source.Http.WriteAsync(lines, Database, cancel: cancel);
        await Source.Snapshots.FlushAsync(cancel);
    }

    /// <summary>Backs the source up.</summary>
    public async Task BackUpAsync(CancellationToken cancel)
    {
        Backup = await PointModel.ReadAsync(Source.Http, Database, cancel);
        await Engine.BackupAsync(Engine.BackupOptions(Source, Set));
    }

    /// <summary>Writes points to the source and backs it up.</summary>
    public async Task BackUpAsync(string lines, CancellationToken cancel)
    {
        await WriteToSourceAsync(lines, cancel);
        await BackUpAsync(cancel);
    }

    /// <summary>Writes points to the server that is merged into, and into files.</summary>
    public async Task WriteAsync(string lines, CancellationToken cancel)
    {
        await Target.Http.WriteAsync(lines, Database, cancel: cancel);
        await Target.Snapshots.FlushAsync(cancel);
    }

    /// <summary>What the server holds now.</summary>
    public Task<PointModel> ReadAsync(CancellationToken cancel) => PointModel.ReadAsync(Target.Http, Database, cancel);

    public RestoreOptions Options => Engine.RestoreOptions(Target, Set) with { Server = Engine.Access(Target, withHttp: true) };

    public Task<MergePlan> PlanAsync(MergePreference prefer, CancellationToken cancel) => new MergeOperation(Options, prefer).PlanAsync(cancel);

    public Task<MergeResult> MergeAsync(MergePreference prefer, CancellationToken cancel) => MergeAsync(Options, prefer, cancel);

    public static async Task<MergeResult> MergeAsync(RestoreOptions options, MergePreference prefer, CancellationToken cancel)
    {
        var operation = new MergeOperation(options, prefer);
        return await operation.RunAsync(await operation.PlanAsync(cancel), cancel);
    }

    /// <summary>What the server must hold after a merge, given what it held before.</summary>
    public PointModel Expect(MergePreference prefer, PointModel existing) =>
        prefer == MergePreference.Existing ? PointModel.Overlay(Backup, existing) : PointModel.Overlay(existing, Backup);

    /// <summary>Now, after a restart, and after the server has compacted everything.</summary>
    public async Task AssertHoldsAsync(PointModel expected, CancellationToken cancel)
    {
        Assert.Empty(expected.DifferencesFrom(await ReadAsync(cancel)));
        await Target.RestartAsync(cancel);
        Assert.Empty(expected.DifferencesFrom(await ReadAsync(cancel)));
        await Target.WaitForFullCompactionAsync(cancel);
        Assert.Empty(expected.DifferencesFrom(await ReadAsync(cancel)));
    }

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        await Target.DisposeAsync();
        set.Dispose();
    }
}
