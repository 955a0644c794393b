using System.Text.RegularExpressions;
using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests;

/// <summary>Clients write into a database as soon as it is there, also while it is being restored.</summary>
public sealed class RestoreAndLiveWritesTests
{
    private const long Time = 1_499_644_800_000_000_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [RealServerTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_file_that_a_server_has_written_for_its_clients_since_the_database_was_created_is_not_replaced(bool withHttp)
    {
        await using var source = await InfluxServer.StartAsync(cancel: Cancel);
        await using var target = await InfluxServer.StartAsync(cancel: Cancel);
        using var set = new TemporaryDirectory();
        await source.Http.CreateDatabaseAsync("db", Cancel);
        await source.Http.WriteAsync($"m f=1 {Time}\n", "db", cancel: Cancel);
        await Engine.BackupAsync(Engine.BackupOptions(source, set));
        var live = new Begun(async () =>
        {
            await target.Http.WriteAsync($"live f=1 {Time}\n", "db", cancel: Cancel);
            await target.Snapshots.FlushAsync(Cancel);
        });

        var result = await Engine.RestoreAsync(
            Engine.RestoreOptions(target, set) with { Server = Engine.Access(target, withHttp), Selection = Engine.Only("db"), Progress = live });

        Assert.Equal(["1"], await target.Http.QueryColumnAsync("SELECT f FROM live", "db", "f", Cancel));
        var shard = Assert.Single(result.Shards);
        Assert.Equal((ShardOutcome.Failed, "ShardHoldsOtherFiles"), (shard.Result.Outcome, shard.Result.Error?.Id));
        Assert.Equal(Outcome.Failed, result.Outcome);
    }

    [RealServerTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_resumed_restore_does_not_replace_what_is_still_in_the_write_cache_of_a_shard(bool withHttp)
    {
        await using var source = await InfluxServer.StartAsync(cancel: Cancel);
        await using var target = await InfluxServer.StartAsync(cancel: Cancel);
        using var set = new TemporaryDirectory();
        await source.Http.CreateDatabaseAsync("db", Cancel);
        await source.Http.WriteAsync($"m f=1 {Time}\n", "db", cancel: Cancel);
        await Engine.BackupAsync(Engine.BackupOptions(source, set));
        await target.Http.CreateDatabaseAsync("db", Cancel);
        await target.Http.WriteAsync($"live f=1 {Time}\n", "db", cancel: Cancel);

        var result = await Engine.RestoreAsync(
            Engine.RestoreOptions(target, set) with { Server = Engine.Access(target, withHttp), Selection = Engine.Only("db"), Resume = true });

        Assert.Equal(["1"], await target.Http.QueryColumnAsync("SELECT f FROM live", "db", "f", Cancel));
        Assert.Equal("ShardHoldsOtherFiles", Assert.Single(result.Shards).Result.Error?.Id);
    }

    [RealServerFact]
    public async Task Resume_of_a_restore_with_another_duration_is_refused_on_a_single_server_too()
    {
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        using var set = new TemporaryDirectory();
        await server.Http.CreateDatabaseAsync("db", Cancel);
        await server.Http.WriteAsync($"m f=1 {Time}\n", "db", cancel: Cancel);
        await Engine.BackupAsync(Engine.BackupOptions(server, set));
        var options = Engine.RestoreOptions(server, set) with { Selection = Engine.Only("db"), NewDatabase = "other" };
        await Engine.RestoreAsync(options);

        var error = await Assert.ThrowsAsync<InfluxBackupException>(() => Engine.RestoreAsync(options with { Resume = true, NewDuration = TimeSpan.FromDays(50_000) }));

        Assert.Equal("ResumeMismatch", error.Id);
        Assert.Matches(new Regex("'autogen'.*duration"), error.Message);
    }

    /// <summary>Does something when the first shard is begun: the database has been created then, and nothing was sent.</summary>
    private sealed class Begun(Func<Task> action) : IProgress<TransferProgress>
    {
        private int done;

        public void Report(TransferProgress value)
        {
            // The check of the archives reports nothing: its progress is its own.
            if (value.Phase == ShardPhase.Started && Interlocked.Exchange(ref done, 1) == 0)
            {
#pragma warning disable xUnit1031 // The restore must wait for it.
                action().GetAwaiter().GetResult();
#pragma warning restore xUnit1031
            }
        }
    }
}
