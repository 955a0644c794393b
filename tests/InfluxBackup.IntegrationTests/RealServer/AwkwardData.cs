using System.Globalization;
using System.Text;

namespace InfluxBackup.IntegrationTests.RealServer;

/// <summary>
/// Few points, but awkward ones: every field type at its limits, escapes and Unicode in every name, times at both ends of
/// the scale, shards of an hour and of 10 000 weeks, several generations of files that overwrite each other, points that
/// are only in the WAL, databases without shards and without policies.
/// </summary>
public static class AwkwardData
{
    /// <summary>Most points, six policies; the default policy is <c>rp_1d</c>.</summary>
    public const string Golden = "golden";

    /// <summary>Dots, dash, space and Unicode in the names of database and policies.</summary>
    public const string Dotted = "dotted.db-1 größe";

    /// <summary>Measurements which get deletes; without them an ordinary database.</summary>
    public const string Deletes = "deletes";

    /// <summary>A policy, no shards.</summary>
    public const string NoShards = "noshards";

    /// <summary>Not even a policy.</summary>
    public const string Empty = "empty";

    /// <summary>2017-07-14T02:40:00Z, and a day and an hour in nanoseconds.</summary>
    public const long Start = 1_500_000_000_000_000_000;
    private const long Day = 24 * Hour;
    private const long Hour = 3_600_000_000_000;

    /// <summary>
    /// Writes everything. With <paramref name="pendingDeletes"/> the deletes come last and stay pending: tombstones beside
    /// TSM files, as long as the server is not restarted.
    /// </summary>
    public static async Task WriteAsync(InfluxServer server, bool pendingDeletes = false, CancellationToken cancel = default)
    {
        await CreateDatabasesAsync(server.Http, cancel);
        await WriteFirstGenerationAsync(server.Http, cancel);
        await server.Snapshots.FlushAsync(cancel);
        await WriteSecondGenerationAsync(server.Http, cancel);
        await server.Snapshots.FlushAsync(cancel);
        await WriteToWalAsync(server.Http, cancel);
        if (pendingDeletes)
        {
            server.HoldCompactions();
            await DeleteAsync(server.Http, cancel);
        }
    }

    private static async Task CreateDatabasesAsync(InfluxHttp http, CancellationToken cancel)
    {
        string[] statements =
        [
            """CREATE DATABASE "golden" """,
            """CREATE RETENTION POLICY "rp_1d" ON "golden" DURATION 36500d REPLICATION 1 SHARD DURATION 1d DEFAULT""",
            """CREATE RETENTION POLICY "rp_1h" ON "golden" DURATION INF REPLICATION 1 SHARD DURATION 1h""",
            """CREATE RETENTION POLICY "extremes" ON "golden" DURATION INF REPLICATION 1 SHARD DURATION 168h""",
            """CREATE RETENTION POLICY "century" ON "golden" DURATION INF REPLICATION 1 SHARD DURATION 10000w""",
            """CREATE RETENTION POLICY "blocks" ON "golden" DURATION INF REPLICATION 1 SHARD DURATION 30d""",
            """CREATE DATABASE "dotted.db-1 größe" WITH DURATION INF REPLICATION 1 SHARD DURATION 1w NAME "rp.with.dots" """,
            """CREATE RETENTION POLICY "two words" ON "dotted.db-1 größe" DURATION 10000w REPLICATION 1 SHARD DURATION 2w DEFAULT""",
            """CREATE RETENTION POLICY "ポリシー-1d" ON "dotted.db-1 größe" DURATION INF REPLICATION 1 SHARD DURATION 12h""",
            """CREATE DATABASE "deletes" """,
            """CREATE DATABASE "noshards" WITH DURATION 52w REPLICATION 1 SHARD DURATION 1d NAME "keep" """,
            """CREATE DATABASE "empty" """,
            """DROP RETENTION POLICY "autogen" ON "empty" """,
        ];
        foreach (string statement in statements)
        {
            await http.ExecuteAsync(statement, cancel: cancel);
        }
    }

    private static async Task WriteFirstGenerationAsync(InfluxHttp http, CancellationToken cancel)
    {
        await http.WriteAsync(TypesAtTheirLimits(), Golden, "rp_1d", cancel: cancel);
        await http.WriteAsync(EscapedNames(), Golden, "rp_1d", cancel: cancel);
        await http.WriteAsync(Lines(60_000 / 40, i => $"big,t=60k s=\"{i:D5} the quick brown fox \\\"jumps\\\"\\\\n\" {Start + i}"), Golden, "rp_1d", cancel: cancel);
        await http.WriteAsync($"one,t=60k s=\"{new string('ß', 30_000)}\" {Start}", Golden, "rp_1d", cancel: cancel);
        await http.WriteAsync(Lines(30, i => $"days,d={i % 3} f={i}.5,i={i}i {Start + (i * Day)}"), Golden, "rp_1d", cancel: cancel);
        await http.WriteAsync(Lines(12, i => $"hours,h={i % 2} f={i} {Start + (i * Hour)}"), Golden, "rp_1h", cancel: cancel);
        await http.WriteAsync(Lines(6, i => $"weeks v={i} {Start + (i * 7 * Day)}"), Golden, "autogen", cancel: cancel);
        await http.WriteAsync($"mixed v=1.5 {Start}\nmixed v=2i {Start + (14 * Day)}", Golden, "autogen", cancel: cancel);
        await http.WriteAsync($"far v=1i -9223372036854775806\nfar v=2i 9223372036854775806\nfar v=3i {-71 * 365 * Day}", Golden, "extremes", cancel: cancel);
        await http.WriteAsync(Lines(7, i => $"gaps f={i}.25 {(i - 3) * 45 * 365 * Day}"), Golden, "century", cancel: cancel);
        await http.WriteAsync(Lines(7, i => $"epoch b=true {i - 3}"), Golden, "century", cancel: cancel);
        foreach (int size in (int[])[1, 999, 1000, 1001, 5000])
        {
            await http.WriteAsync(Lines(size, i => $"block,size={size} f={Noise(i)},i={i * i}i,b={(i % 3 == 0 ? "t" : "f")},s=\"v{i}\" {(i - (size / 2)) * 1_000_000_007L}"), Golden, "blocks", cancel: cancel);
        }
        foreach (string policy in (string[])["rp.with.dots", "two words", "ポリシー-1d"])
        {
            await http.WriteAsync(Lines(6, i => $"m\\,x,größe=ß\\ {i % 2} v={i},{policy[0]}=\"日本語 {i}\" {Start + (i * Day)}"), Dotted, policy, cancel: cancel);
        }
        await http.WriteAsync(Lines(200, i => $"range,t={(i % 2 == 0 ? 'a' : 'b')} v={i} {Start + (i * Hour)}\nbyseries,t={(i % 2 == 0 ? 'x' : 'y')} v={i} {Start + (i * Hour)}\ndropm,t=1 v={i} {Start + (i * Hour)}\nrewritten v={i} {Start + (i * Hour)}\nm\\,d\\ e=l\" v={i}i {Start + (i * Hour)}"), Deletes, cancel: cancel);
        await http.WriteAsync(Lines(4, i => $"wholeshard v={i} {Start + (60 * Day) + i}"), Deletes, cancel: cancel);
        // Names that line protocol cannot express; the server makes them itself.
        await http.ExecuteAsync("""SELECT f INTO "golden"."rp_1d"."#hash" FROM "golden"."rp_1d"."days" GROUP BY *""", Golden, cancel);
        await http.ExecuteAsync("""SELECT f AS "two\nlines" INTO "golden"."rp_1d"."line\nfeed" FROM "golden"."rp_1d"."days" GROUP BY *""", Golden, cancel);
    }

    private static async Task WriteSecondGenerationAsync(InfluxHttp http, CancellationToken cancel)
    {
        await http.WriteAsync(Lines(100, i => $"block,size=1000 f={i}.125 {((i * 2) - 100) * 1_000_000_007L}"), Golden, "blocks", cancel: cancel);
        await http.WriteAsync(Lines(10, i => $"days,d={i % 3} f=-{i}.5 {Start + (i * Day)}"), Golden, "rp_1d", cancel: cancel);
        await http.WriteAsync($"weeks v=100 {Start}\nweeks late=1i {Start + 1}", Golden, "autogen", cancel: cancel);
        await http.WriteAsync($"m\\,x,größe=new v=7 {Start}", Dotted, "two words", cancel: cancel);
        await http.WriteAsync(Lines(20, i => $"range,t=a v=-{i + 1} {Start + (i * Hour)}"), Deletes, cancel: cancel);
    }

    private static async Task WriteToWalAsync(InfluxHttp http, CancellationToken cancel)
    {
        await http.WriteAsync($"walonly,t=w v=3 {Start + 2}\nwalonly,t=w v=1 {Start}\nwalonly,t=w v=2 {Start + 2}\ndays,d=0 f=99 {Start}", Golden, "rp_1d", cancel: cancel);
        await http.WriteAsync($"block,size=1000 f=1e300 0\nblock,size=1 f=-0 {2 * Day}", Golden, "blocks", cancel: cancel);
        await http.WriteAsync($"m\\,x,größe=wal v=8 {Start}", Dotted, "ポリシー-1d", cancel: cancel);
        await http.WriteAsync(Lines(12, i => $"walpart,t={(i % 2 == 0 ? 'p' : 'q')} v={i} {Start + i}"), Deletes, cancel: cancel);
    }

    private static async Task DeleteAsync(InfluxHttp http, CancellationToken cancel)
    {
        string[] statements =
        [
            $"""DELETE FROM "range" WHERE time >= {Start + (50 * Hour)} AND time <= {Start + (70 * Hour)}""",
            $"""DELETE FROM "range" WHERE t = 'b' AND time < {Start + (10 * Hour)}""",
            """DELETE FROM "byseries" WHERE t = 'x'""",
            """DROP MEASUREMENT "dropm" """,
            """DELETE FROM "rewritten" """,
            $"""DELETE FROM "m,d e=l\"" WHERE time >= {Start + (10 * Hour)} AND time <= {Start + (20 * Hour)}""",
            """DELETE FROM "wholeshard" """,
            $"""DELETE FROM "walpart" WHERE t = 'p' AND time > {Start + 4}""",
        ];
        foreach (string statement in statements)
        {
            await http.ExecuteAsync(statement, Deletes, cancel);
        }
        // Partly at deleted times: a tombstone is for its own file, these points live.
        await http.WriteAsync(Lines(3, i => $"rewritten v=1{i} {Start + (i * Hour)}"), Deletes, cancel: cancel);
    }

    private static string TypesAtTheirLimits() => $"""
        types,t=float f=-0 {Start}
        types,t=float f=4.9406564584124654e-324 {Start + 1}
        types,t=float f=1.7976931348623157e308 {Start + 2}
        types,t=float f=-1.7976931348623157e+308 {Start + 3}
        types,t=float f=0.1 {Start + 4}
        types,t=float f=9007199254740993 {Start + 5}
        types,t=int i=9223372036854775807i {Start}
        types,t=int i=-9223372036854775808i {Start + 1}
        types,t=int i=0i {Start + 2}
        types,t=int i=-1i {Start + 3}
        types,t=bool b=true {Start}
        types,t=bool b=false {Start + 1}
        types,t=string s="" {Start}
        types,t=string s="quote \" backslash \\ comma , equals = space" {Start + 1}
        types,t=string s="ends with backslash\\" {Start + 2}
        types,t=string s="日本語 ß 𝄞 é" {Start + 3}
        types,t=string s="two
        lines" {Start + 4}
        types,t=all f=1,i=2i,b=t,s="x" {Start + 5}
        types,t=all f=2 {Start + 6}
        """;

    private static string EscapedNames() => $"""
        comma\,space\ equals=quote" f=1 {Start}
        all\,\ ="x,k\,\ \=\"y=v\,\ \=\"z f\,\ \=\"w="s, =\\\"v" {Start}
        измерение,тег=значение,tag=plain поле=1i,field=2i {Start}
        😀,😀=😀 😀="😀" {Start}
        dots.and-dashes,a.b=c.d,a-b=c-d e.f=1,e-f=2 {Start}
        'single',k='v' 'f'='s' {Start}
        """.Replace("'f'='s'", "'f'=\"s\"", StringComparison.Ordinal);

    private static string Noise(int i) => Math.Sin(i).ToString("R", CultureInfo.InvariantCulture);

    private static string Lines(int count, Func<int, string> line)
    {
        var text = new StringBuilder();
        for (int i = 0; i < count; i++)
        {
            text.Append(line(i)).Append('\n');
        }
        return text.ToString();
    }
}
