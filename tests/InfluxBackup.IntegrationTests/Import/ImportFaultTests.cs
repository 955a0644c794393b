using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using InfluxBackup.Http;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Import;

/// <summary>What servers and networks do to an import: nothing is lost, nothing is out of order, nothing is kept quiet.</summary>
public sealed class ImportFaultTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_the_server_asks_for_is_granted()
    {
        using var directory = new TemporaryDirectory();
        var count = 0;
        await using var stub = new HttpStub(_ => Interlocked.Increment(ref count) == 1 ? new StubAnswer(429, RetryAfter: 1) : StubAnswer.Good);
        var clock = Stopwatch.StartNew();

        var result = await Imports.TextAsync(Imports.Options(stub.Address) with { Database = "db" }, directory, "m f=1 1\n");

        Assert.Equal((Outcome.Complete, 1, 1), (result.Outcome, result.PointsWritten, result.Retries));
        Assert.InRange(clock.Elapsed, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData(503)]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(408)]
    [InlineData(0)]
    public async Task A_server_that_could_not_is_asked_again(int status)
    {
        using var directory = new TemporaryDirectory();
        var count = 0;
        await using var stub = new HttpStub(_ => Interlocked.Increment(ref count) <= 3 ? new StubAnswer(status) : StubAnswer.Good);

        var result = await Imports.TextAsync(Imports.Options(stub.Address) with { Database = "db" }, directory, "m f=1 1\n");

        Assert.Equal((Outcome.Complete, 3), (result.Outcome, result.Retries));
        Assert.All(stub.Writes, w => Assert.Equal("m f=1 1\n", w.Body));
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_asked_again()
    {
        using var directory = new TemporaryDirectory();
        var count = 0;
        await using var stub = new HttpStub(_ => Interlocked.Increment(ref count) == 1 ? new StubAnswer(Stall: TimeSpan.FromSeconds(3)) : StubAnswer.Good);
        var options = Imports.Options(stub.Address);

        var result = await Imports.TextAsync(options with { Servers = [options.Servers[0] with { Timeout = TimeSpan.FromSeconds(0.5) }], Database = "db" }, directory, "m f=1 1\n");

        Assert.Equal((Outcome.Complete, 1), (result.Outcome, result.Retries));
    }

    [Theory]
    [InlineData(401, "authorization failed", "LoginRefused")]
    [InlineData(403, "\"b\" user is not authorized to write to database \"db\"", "WriteForbidden")]
    [InlineData(404, "database not found: \"db\"", "DatabaseNotFound")]
    [InlineData(500, "retention policy not found: rp", "RetentionPolicyNotFound")]
    [InlineData(400, "database is required", "WriteRefused")]
    [InlineData(200, "<html>welcome", null)]
    public async Task What_will_never_succeed_ends_the_import_at_once(int status, string text, string? id)
    {
        using var directory = new TemporaryDirectory();
        await using var stub = new HttpStub(_ => StubAnswer.Error(status, text));

        var result = await Imports.TextAsync(Imports.Options(stub.Address) with { Database = "db", RetentionPolicy = "rp" }, directory, "m f=1 1\nm f=2 2\n");

        if (id is null)
        {
            // A 200 with the version's header counts as what old servers answered.
            Assert.Equal(Outcome.Complete, result.Outcome);
            return;
        }

        Assert.Equal((Outcome.Failed, id, 0, 2), (result.Outcome, result.Error?.Id, result.PointsWritten, result.Unacknowledged));
        Assert.NotNull(result.Error!.Remedy ?? result.Error.Message);
        Assert.Single(stub.Writes);
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_divided_and_later_ones_are_smaller()
    {
        using var directory = new TemporaryDirectory();
        await using var stub = new HttpStub(r => r.Body.Length > 2000 ? StubAnswer.Error(413, "Request Entity Too Large") : StubAnswer.Good);
        var lines = Enumerable.Range(0, 2000).Select(i => $"m f={i} {i}").Append($"m s=\"{new string('x', 5000)}\" 1").ToList();

        var result = await Imports.TextAsync(Imports.Options(stub.Address) with { Database = "db", Parallelism = 1, BatchLines = 500 }, directory, string.Join('\n', lines));

        Assert.Equal((Outcome.Partial, 2000, 1), (result.Outcome, result.PointsWritten, result.Rejected));
        Assert.Equal(2001, Assert.Single(result.Rejections).LineNumber);
        Assert.Equal(lines[..^1], stub.Writes.Where(w => w.Body.Length <= 2000).SelectMany(w => w.Lines));
        Assert.InRange(stub.Writes.Count(w => w.Body.Length > 2000), 1, 12);
    }

    [Fact]
    public async Task Of_several_addresses_all_work_and_a_dead_one_is_passed_over()
    {
        using var directory = new TemporaryDirectory();
        var answer = StubAnswer.Good;
        await using var first = new HttpStub(_ => answer);
        await using var second = new HttpStub(_ => StubAnswer.Good);
        var text = string.Concat(Enumerable.Range(0, 1000).Select(i => $"m,t={i} f={i} {i}\n"));
        var options = Imports.Options(first.Address, second.Address) with { Database = "db", Parallelism = 4, BatchLines = 10 };

        var spread = await Imports.TextAsync(options, directory, text);
        Assert.Equal(Outcome.Complete, spread.Outcome);
        Assert.InRange(first.Writes.Count, 20, 90);
        Assert.InRange(second.Writes.Count, 20, 90);

        answer = new StubAnswer(0);
        var before = second.Writes.Count;
        var result = await Imports.TextAsync(options, directory, text);
        Assert.Equal((Outcome.Complete, 1000), (result.Outcome, result.PointsWritten));
        Assert.Equal(1000, second.Writes.Skip(before).Sum(w => w.Lines.Length));
    }

    [Fact]
    public async Task Later_lines_win_whatever_fails_on_the_way()
    {
        using var directory = new TemporaryDirectory();
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var expected = new Dictionary<string, string>();
        var lines = new List<string>();
        for (var i = 0; i < 20_000; i++)
        {
            var (a, b, time) = (random.Next(5), random.Next(3), random.Next(200));
            var key = random.Next(2) == 0 ? $"m,a={a},b={b}" : $"m,b={b},a={a}";
            lines.Add($"{key} f={i} {time * 1_000_000_000L}");
            expected[$"{a} {b} {time}"] = i.ToString(CultureInfo.InvariantCulture);
        }

        var stored = new ConcurrentDictionary<string, string>();
        var dice = new ThreadLocal<Random>(() => new Random());
        await using var stub = new HttpStub(request =>
        {
            var fate = dice.Value!.Next(8);
            if (fate == 0)
            {
                return new StubAnswer(503);
            }

            foreach (var line in request.Lines)
            {
                var parts = line.Split(' ');
                var tags = parts[0].Split(',').Skip(1).Order(StringComparer.Ordinal).Select(t => t[2..]);
                stored[$"{string.Join(' ', tags)} {long.Parse(parts[2], CultureInfo.InvariantCulture) / 1_000_000_000}"] = parts[1][2..];
            }

            // Stored, and yet the client does not learn of it.
            return fate == 1 ? new StubAnswer(0) : new StubAnswer(Stall: TimeSpan.FromMilliseconds(dice.Value.Next(5)));
        });

        var result = await Imports.TextAsync(Imports.Options(stub.Address) with { Database = "db", Parallelism = 6, BatchLines = 100, MaxAttempts = 30 }, directory, string.Join('\n', lines));

        Assert.Equal((Outcome.Complete, 20_000), (result.Outcome, result.PointsWritten));
        Assert.True(result.Retries > 0);
        Assert.Equal(expected.OrderBy(e => e.Key, StringComparer.Ordinal), stored.OrderBy(e => e.Key, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(false, 3)]
    [InlineData(true, 3)]
    public async Task An_import_that_gave_up_goes_on_where_it_stood(bool isGzip, int lanes)
    {
        using var directory = new TemporaryDirectory();
        var lines = Enumerable.Range(0, 5000).Select(i => $"m,t={i % 11} f={i},s=\"a\nb\" {i}").ToList();
        var text = "# DML\n# CONTEXT-DATABASE:d b\n# CONTEXT-RETENTION-POLICY:r\n" + string.Join('\n', lines);
        var path = directory["lines"];
        await WriteAsync(path, text, isGzip);
        var isWell = false;
        var count = 0;
        await using var stub = new HttpStub(_ => isWell || Interlocked.Increment(ref count) <= 20 ? StubAnswer.Good : new StubAnswer(503));
        var options = Imports.Options(stub.Address) with { Parallelism = lanes, BatchLines = 100, MaxAttempts = 2 };

        var failed = await Imports.RunAsync(options, path);
        Assert.Equal((Outcome.Failed, "WriteUnavailable"), (failed.Outcome, failed.Error?.Id));
        Assert.Equal(path + ".import-checkpoint", failed.CheckpointPath);
        Assert.InRange(failed.PointsWritten, 1500, 2000);

        isWell = true;
        var before = stub.Writes.Count;
        var resumed = await Imports.RunAsync(options with { Resume = true }, path);

        Assert.Equal(Outcome.Complete, resumed.Outcome);
        if (lanes == 1)
        {
            // Twenty batches were taken, of lines that span two, after three of the head.
            Assert.Equal((2000, 4003, 3000), (failed.PointsWritten, resumed.LinesBefore, resumed.PointsWritten));
        }

        // Of several lanes the slowest decides where it stands: nothing before may be missing, and others have written beyond.
        Assert.InRange(resumed.LinesBefore, 3, 5000);
        Assert.InRange(resumed.PointsWritten, 5000 - failed.PointsWritten, 5000);
        Assert.False(File.Exists(path + ".import-checkpoint"));
        Assert.All(stub.Writes.Skip(before), w => Assert.StartsWith("?db=d%20b&rp=r&", w.Query, StringComparison.Ordinal));
        var accepted = stub.Writes.Take(20).Concat(stub.Writes.Skip(before)).SelectMany(w => w.Body.Split("\nm,")).Select(l => l.TrimEnd('\n')).Select(l => l.StartsWith("m,", StringComparison.Ordinal) ? l : "m," + l);
        Assert.Equal(lines.ToHashSet(), accepted.ToHashSet());
    }

    [Fact]
    public async Task A_cancelled_import_leaves_a_checkpoint_and_says_how_to_go_on()
    {
        using var directory = new TemporaryDirectory();
        var path = directory["lines.lp"];
        await File.WriteAllLinesAsync(path, Enumerable.Range(0, 3000).Select(i => $"m f={i} {i}000000000"), Cancel);
        using var cancel = new CancellationTokenSource();
        var count = 0;
        await using var stub = new HttpStub(async _ =>
        {
            if (Interlocked.Increment(ref count) == 10)
            {
                await cancel.CancelAsync();
            }

            return StubAnswer.Good;
        });
        var options = Imports.Options(stub.Address) with { Database = "db", Parallelism = 2, BatchLines = 100 };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Imports.RunAsync(options, path, cancel.Token));
        Assert.True(File.Exists(path + ".import-checkpoint"));

        var resumed = await Imports.RunAsync(options with { Resume = true }, path);
        Assert.Equal(Outcome.Complete, resumed.Outcome);
        Assert.Equal(3000, stub.Writes.SelectMany(w => w.Lines).Distinct().Count());
        Assert.InRange(resumed.LinesBefore, 100, 2900);
    }

    [Fact]
    public async Task A_checkpoint_of_another_file_or_server_is_refused()
    {
        using var directory = new TemporaryDirectory();
        var path = directory["lines.lp"];
        await File.WriteAllLinesAsync(path, Enumerable.Range(0, 1000).Select(i => $"m f={i} {i}"), Cancel);
        var count = 0;
        await using var stub = new HttpStub(_ => Interlocked.Increment(ref count) <= 5 ? StubAnswer.Good : new StubAnswer(503));
        await using var other = new HttpStub(_ => StubAnswer.Good);
        var options = Imports.Options(stub.Address) with { Database = "db", Parallelism = 1, BatchLines = 100, MaxAttempts = 1 };
        Assert.Equal(Outcome.Failed, (await Imports.RunAsync(options, path)).Outcome);
        var resuming = options with { Resume = true };

        Assert.Equal("CheckpointMismatch", (await Assert.ThrowsAsync<InfluxBackupException>(() => Imports.RunAsync(resuming with { Servers = Imports.Options(other.Address).Servers }, path))).Id);
        Assert.Equal("CheckpointMismatch", (await Assert.ThrowsAsync<InfluxBackupException>(() => Imports.RunAsync(resuming with { NewDatabase = "x" }, path))).Id);
        Assert.Equal("CheckpointMismatch", (await Assert.ThrowsAsync<InfluxBackupException>(() => Imports.RunAsync(resuming with { Database = "x" }, path))).Id);
        Assert.Equal("CheckpointMismatch", (await Assert.ThrowsAsync<InfluxBackupException>(() => Imports.RunAsync(resuming with { RetentionPolicy = "x" }, path))).Id);
        Assert.Equal("CheckpointMismatch", (await Assert.ThrowsAsync<InfluxBackupException>(() => Imports.RunAsync(resuming with { Write = new WriteSettings { Precision = WritePrecision.Seconds } }, path))).Id);
        await File.AppendAllTextAsync(path, "m f=1 1\n", Cancel);
        Assert.Equal("CheckpointMismatch", (await Assert.ThrowsAsync<InfluxBackupException>(() => Imports.RunAsync(resuming, path))).Id);
        await File.WriteAllTextAsync(path + ".import-checkpoint", "{}", Cancel);
        await File.WriteAllTextAsync(path + ".import-checkpoint", "nonsense", Cancel);
        Assert.Equal("CheckpointUnreadable", (await Assert.ThrowsAsync<InfluxBackupException>(() => Imports.RunAsync(resuming, path))).Id);
    }

    [Fact]
    public async Task A_file_that_is_done_is_passed_over_when_the_others_are_resumed()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory["a.lp"], "m f=1 1\n", Cancel);
        await File.WriteAllTextAsync(directory["b.lp"], "m f=2 2\n", Cancel);
        var isWell = false;
        await using var stub = new HttpStub(r => isWell || r.Body.Contains("f=1", StringComparison.Ordinal) ? StubAnswer.Good : new StubAnswer(503));
        var options = Imports.Options(stub.Address) with { Database = "db", MaxAttempts = 1 };
        using (var first = new ImportOperation(options))
        {
            Assert.Equal(Outcome.Complete, (await first.RunAsync(ImportSource.FromFile(directory["a.lp"]), Cancel)).Outcome);
            Assert.Equal(Outcome.Failed, (await first.RunAsync(ImportSource.FromFile(directory["b.lp"]), Cancel)).Outcome);
            first.End();
        }

        isWell = true;
        using var second = new ImportOperation(options with { Resume = true });
        var done = await second.RunAsync(ImportSource.FromFile(directory["a.lp"]), Cancel);
        var rest = await second.RunAsync(ImportSource.FromFile(directory["b.lp"]), Cancel);
        second.End();

        Assert.Equal((Outcome.Complete, 0, 1), (done.Outcome, done.PointsWritten, done.LinesBefore));
        Assert.Equal((Outcome.Complete, 1), (rest.Outcome, rest.PointsWritten));
        Assert.Equal(1, stub.Writes.Count(w => w.Body.Contains("f=1", StringComparison.Ordinal)));
        Assert.Empty(Directory.GetFiles(directory, "*.import-checkpoint"));
    }

    [Fact]
    public async Task A_cut_file_is_imported_as_far_as_it_goes_and_is_not_complete()
    {
        using var directory = new TemporaryDirectory();
        var path = directory["lines.lp.gz"];
        await WriteAsync(path, string.Concat(Enumerable.Range(0, 50_000).Select(i => $"m f={i * 7919 % 10007} {i}\n")), isGzip: true);
        await using (var file = new FileStream(path, FileMode.Open))
        {
            file.SetLength(file.Length / 2);
        }

        await using var stub = new HttpStub(_ => StubAnswer.Good);
        var result = await Imports.RunAsync(Imports.Options(stub.Address) with { Database = "db" }, path);

        Assert.Equal((Outcome.Failed, "SourceDamaged", 0), (result.Outcome, result.Error?.Id, result.Unacknowledged));
        Assert.InRange(result.PointsWritten, 10_000, 40_000);
        Assert.All(stub.Writes.SelectMany(w => w.Lines), line => Assert.Equal(3, line.Split(' ').Length));
    }

    [Fact]
    public async Task A_limit_of_points_a_second_is_kept()
    {
        using var directory = new TemporaryDirectory();
        await using var stub = new HttpStub(_ => StubAnswer.Good);
        var result = await Imports.TextAsync(
            Imports.Options(stub.Address) with { Database = "db", PointsPerSecond = 1000 }, directory, string.Concat(Enumerable.Range(0, 2000).Select(i => $"m f={i} {i}\n")));

        Assert.Equal(2000, result.PointsWritten);
        Assert.InRange(result.Duration, TimeSpan.FromSeconds(1.2), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task What_is_asked_for_is_what_is_sent()
    {
        using var directory = new TemporaryDirectory();
        await using var stub = new HttpStub(_ => StubAnswer.Good);
        var options = Imports.Options(stub.Address);
        var credential = new InfluxCredential("me", "swordfish");
        await Imports.TextAsync(
            options with
            {
                Servers = [options.Servers[0] with { Credential = credential }],
                Database = "a&b",
                RetentionPolicy = "r p",
                Compress = true,
                Write = new WriteSettings { Precision = WritePrecision.Seconds, Consistency = WriteConsistency.Quorum },
            },
            directory,
            "m f=1 1\n");

        var write = Assert.Single(stub.Writes);
        Assert.Equal("?db=a%26b&rp=r%20p&precision=s&consistency=quorum", write.Query);
        Assert.Equal(("m f=1 1\n", true), (write.Body, write.IsGzip));
        Assert.Equal("Basic bWU6c3dvcmRmaXNo", write.Authorization);
    }

    [Fact]
    public async Task Options_and_file_that_disagree_are_told_so_before_anything_is_written()
    {
        using var directory = new TemporaryDirectory();
        await using var stub = new HttpStub(_ => StubAnswer.Good);
        const string text = "# DML\n# CONTEXT-DATABASE:a\n# CONTEXT-RETENTION-POLICY:r\nm f=1 1\n# CONTEXT-DATABASE:b\nm f=2 2\n";
        var options = Imports.Options(stub.Address);

        Assert.Equal("ImportTargetConflict", (await Imports.TextAsync(options with { Database = "b" }, directory, text)).Error?.Id);
        Assert.Equal("DatabaseRequired", (await Imports.TextAsync(options, directory, "m f=1 1\n")).Error?.Id);
        Assert.Empty(stub.Writes);

        var ambiguous = await Imports.TextAsync(options with { NewDatabase = "c" }, directory, text);
        Assert.Equal("ImportTargetAmbiguous", ambiguous.Error?.Id);
        Assert.All(stub.Writes, w => Assert.Contains("f=1", w.Body, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Statements_that_fail_stop_the_import_unless_told_otherwise_and_passwords_are_never_shown()
    {
        using var directory = new TemporaryDirectory();
        await using var stub = new HttpStub(_ => StubAnswer.Good) { StatementError = s => s.Contains("USER", StringComparison.Ordinal) ? "user already exists" : null };
        const string text = "# DDL\nCREATE DATABASE a\nCREATE USER u WITH PASSWORD 'swordfish'\n# DML\n# CONTEXT-DATABASE:a\nm f=1 1\n";
        var options = Imports.Options(stub.Address);

        var stopped = await Imports.TextAsync(options, directory, text);
        var ignored = await Imports.TextAsync(options with { IgnoreDdlErrors = true }, directory, text);
        var queries = stub.Queries.Count;
        var skipped = await Imports.TextAsync(options with { SkipDdl = true }, directory, text);

        Assert.Equal((Outcome.Failed, "StatementFailed", 0), (stopped.Outcome, stopped.Error?.Id, stopped.PointsWritten));
        Assert.Equal((Outcome.Partial, 1), (ignored.Outcome, ignored.PointsWritten));
        Assert.Equal([StatementOutcome.Done, StatementOutcome.Failed], ignored.Statements.Select(s => s.Outcome));
        Assert.Equal((Outcome.Complete, 2), (skipped.Outcome, skipped.Statements.Count(s => s.Outcome == StatementOutcome.Skipped)));
        Assert.Equal(queries, stub.Queries.Count);
        Assert.DoesNotContain("swordfish", string.Concat(stopped.Error, string.Join(' ', stopped.Statements), string.Join(' ', ignored.Statements)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_name_goes_into_the_statements_too()
    {
        using var directory = new TemporaryDirectory();
        await using var stub = new HttpStub(_ => StubAnswer.Good);
        const string text = "# DDL\nCREATE DATABASE a WITH NAME autogen\nCREATE USER u WITH PASSWORD 'x'\n# DML\n# CONTEXT-DATABASE:a\n# CONTEXT-RETENTION-POLICY:autogen\nm f=1 1\n";

        var result = await Imports.TextAsync(Imports.Options(stub.Address) with { NewDatabase = "copy", NewRetentionPolicy = "r" }, directory, text);

        Assert.Equal(Outcome.Complete, result.Outcome);
        Assert.Equal(["CREATE DATABASE \"copy\" WITH NAME \"r\""], stub.Queries);
        Assert.StartsWith("?db=copy&rp=r&", Assert.Single(stub.Writes).Query, StringComparison.Ordinal);
    }

    private static async Task WriteAsync(string path, string text, bool isGzip)
    {
        await using Stream file = isGzip ? new System.IO.Compression.GZipStream(File.Create(path), System.IO.Compression.CompressionLevel.Optimal) : File.Create(path);
        await file.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text), Cancel);
    }
}
