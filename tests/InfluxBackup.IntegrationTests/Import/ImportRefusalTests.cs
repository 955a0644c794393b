using System.Collections.Concurrent;
using InfluxBackup.Http;
using InfluxBackup.IntegrationTests.RealServer;
using InfluxBackup.Operations;
using InfluxBackup.Transfer;

namespace InfluxBackup.IntegrationTests.Import;

/// <summary>What a server refuses, all of it and nothing else, is rejected and kept.</summary>
public sealed class ImportRefusalTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [RealServerFact]
    public async Task A_new_field_with_two_types_in_one_request_does_not_stop_the_import()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        await server.Http.CreateDatabaseAsync("db", Cancel);

        var result = await Imports.TextAsync(
            Imports.Options(server.HttpAddress) with { Database = "db", Parallelism = 1 }, directory, "fresh f=1 1\nfresh f=\"x\" 2\nother g=1 3\nfresh f=2 4\n");

        Assert.Equal((Outcome.Partial, 3, 1), (result.Outcome, result.PointsWritten, result.Rejected));
        Assert.Equal(2, Assert.Single(result.Rejections).LineNumber);
        Assert.Equal(3, (await PointSnapshot.ReadAsync(server.Http, Cancel)).PointCount);
    }

    [Theory]
    [InlineData(400, "field type conflict")]
    [InlineData(500, "engine: field type conflict")]
    [InlineData(500, "engine: unable to parse bool value \"x\": strconv.ParseBool: parsing \"x\": invalid syntax")]
    public async Task A_conflict_that_hides_what_became_of_the_others_rejects_its_own_line_alone(int status, string text)
    {
        using var directory = new TemporaryDirectory();
        var stored = new ConcurrentBag<string>();
        await using var stub = new HttpStub(request =>
        {
            if (request.Body.Contains("f=1.5", StringComparison.Ordinal))
            {
                return StubAnswer.Error(status, text);
            }

            foreach (var line in request.Lines)
            {
                stored.Add(line);
            }

            return StubAnswer.Good;
        });

        var result = await Imports.TextAsync(
            Imports.Options(stub.Address) with { Database = "db" }, directory, string.Concat(Enumerable.Range(0, 100).Select(i => $"m f={(i == 42 ? "1.5" : "1i")} {i}\n")));

        Assert.Equal((99, 1, 43), (result.PointsWritten, result.Rejected, (int)result.Rejections[0].LineNumber));
        Assert.Equal(99, stored.Distinct().Count());
    }

    [Fact]
    public async Task A_shard_that_is_being_removed_is_waited_for()
    {
        using var directory = new TemporaryDirectory();
        var count = 0;
        await using var stub = new HttpStub(_ => Interlocked.Increment(ref count) < 3 ? StubAnswer.Error(400, "partial write: shard 5 is pending deletion dropped=1") : StubAnswer.Good);

        var result = await Imports.TextAsync(Imports.Options(stub.Address) with { Database = "db" }, directory, "m f=1 1\n");

        Assert.Equal((Outcome.Complete, 1, 2), (result.Outcome, result.PointsWritten, result.Retries));
    }

    /// <summary>The first line is good, and with the end of a quote behind it it is the beginning of the second, which is not.</summary>
    [RealServerFact]
    public async Task A_line_that_begins_as_a_refused_one_is_not_taken_for_it()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await InfluxServer.StartAsync(cancel: Cancel);
        await server.Http.CreateDatabaseAsync("db", Cancel);

        var result = await Imports.TextAsync(Imports.Options(server.HttpAddress) with { Database = "db", Parallelism = 1 }, directory, "m f=1 1\nm f=1 1': x\nm f=2 2\n");

        Assert.Equal((2, 1, 2), (result.PointsWritten, result.Rejected, (int)result.Rejections[0].LineNumber));
    }

    [Fact]
    public async Task A_redirection_is_no_acknowledgement()
    {
        using var directory = new TemporaryDirectory();
        await using var stub = new HttpStub(r => r.Body.Length > 0 ? new StubAnswer(302, Location: "/write?db=db") : StubAnswer.Good);

        var result = await Imports.TextAsync(Imports.Options(stub.Address) with { Database = "db" }, directory, "m f=1 1\n");

        Assert.Equal((Outcome.Failed, "WriteRefused", 0, 1), (result.Outcome, result.Error?.Id, result.PointsWritten, result.Unacknowledged));
    }

    [Fact]
    public async Task A_reject_file_that_is_named_takes_the_lines_of_all_sources()
    {
        using var directory = new TemporaryDirectory();
        await using var stub = new HttpStub(_ => StubAnswer.Error(400, "unable to parse 'x': missing fields"));
        using var operation = new ImportOperation(Imports.Options(stub.Address) with { Database = "db", RejectPath = directory["bad.lp"] });
        foreach (var name in new[] { "a", "b" })
        {
            await File.WriteAllTextAsync(directory[name], $"{name} f=x 1\n", Cancel);
            Assert.Equal(1, (await operation.RunAsync(ImportSource.FromFile(directory[name]), Cancel)).Rejected);
        }

        var lines = await File.ReadAllLinesAsync(directory["bad.lp"], Cancel);
        Assert.Equal(["a f=x 1", "b f=x 1"], lines.Where(l => !l.StartsWith('#')));
    }

    [Fact]
    public async Task A_reject_file_that_ends_within_a_line_is_continued_without_that_line()
    {
        using var directory = new TemporaryDirectory();
        await File.WriteAllTextAsync(directory["bad.lp"], "# DML\nm f=\"a\" 1\nm f=1 150", Cancel);
        await using var stub = new HttpStub(_ => StubAnswer.Error(400, "unable to parse 'x': missing fields"));

        await Imports.TextAsync(Imports.Options(stub.Address) with { Database = "db", RejectPath = directory["bad.lp"] }, directory, "n f=x 1\n");

        var lines = await File.ReadAllLinesAsync(directory["bad.lp"], Cancel);
        Assert.Equal(["m f=\"a\" 1", "n f=x 1"], lines.Where(l => !l.StartsWith('#')));
    }

    [Theory]
    [InlineData(WritePrecision.Nanoseconds)]
    [InlineData(WritePrecision.Seconds)]
    public async Task Lines_without_time_keep_the_one_they_got_however_often_they_are_sent(WritePrecision precision)
    {
        using var directory = new TemporaryDirectory();
        var times = new ConcurrentDictionary<string, ConcurrentBag<string>>();
        var count = 0;
        await using var stub = new HttpStub(request =>
        {
            foreach (var line in request.Lines)
            {
                times.GetOrAdd(line[..line.IndexOf(' ', StringComparison.Ordinal)], _ => []).Add(line[(line.LastIndexOf(' ') + 1)..]);
            }

            return Interlocked.Increment(ref count) % 3 == 0 ? new StubAnswer(503)
                : request.Body.Contains("i=13 ", StringComparison.Ordinal) ? StubAnswer.Error(400, "partial write: no such thing dropped=1")
                : StubAnswer.Good;
        });
        var lines = Enumerable.Range(0, 50).Select(i => $"m,i={i} f=\"a b\",g={i}").ToList();

        var result = await Imports.TextAsync(
            Imports.Options(stub.Address) with { Database = "db", Parallelism = 2, Write = new WriteSettings { Precision = precision } }, directory, string.Join('\n', lines));

        Assert.Equal((49, 1), (result.PointsWritten, result.Rejected));
        Assert.Equal(lines[13], result.Rejections[0].Line);
        Assert.Contains(times.Values, t => t.Count > 1);
        Assert.All(times.Values, t => Assert.Single(t.Distinct()));
        Assert.Equal(precision == WritePrecision.Nanoseconds ? 50 : 1, times.Values.SelectMany(t => t).Distinct().Count());
        var time = long.Parse(times["m,i=0"].First(), System.Globalization.CultureInfo.InvariantCulture) / (precision == WritePrecision.Nanoseconds ? 1_000_000_000 : 1);
        Assert.InRange(time, DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 60, DateTimeOffset.UtcNow.ToUnixTimeSeconds());
    }
}
