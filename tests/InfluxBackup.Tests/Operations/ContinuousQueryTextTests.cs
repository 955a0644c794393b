using InfluxBackup.BackupSets;
using InfluxBackup.Operations;

namespace InfluxBackup.Tests.Operations;

/// <summary>Renaming touches the names of the database and policy, and nothing that only looks like them.</summary>
public sealed class ContinuousQueryTextTests
{
    private const string Basic = """CREATE CONTINUOUS QUERY cq_basic ON golden BEGIN SELECT mean(f) AS f INTO golden.autogen.down FROM golden.rp_1d.types GROUP BY time(1h), * END""";
    private const string Advanced = """CREATE CONTINUOUS QUERY "cq adv ü.1" ON golden RESAMPLE EVERY 30m FOR 2h BEGIN SELECT max(i), count(s) INTO golden.rp_1h.:MEASUREMENT FROM golden.rp_1d./.*/ WHERE t = 'it\'s' GROUP BY time(30m, 5m), t fill(none) END""";
    private const string Quoted = """CREATE CONTINUOUS QUERY cq ON "dotted.db-1 größe" BEGIN SELECT last(v) INTO "dotted.db-1 größe"."rp.with.dots".lasts FROM "dotted.db-1 größe"."two words"."m,x" GROUP BY time(1d) END""";

    private static string Rename(string text, string database = "golden", string? newDatabase = "new", string? policy = null, string? newPolicy = null) =>
        ContinuousQueryText.Rename(text, database, newDatabase, policy, newPolicy);

    private static string Wrap(string statement) => $"CREATE CONTINUOUS QUERY q ON golden BEGIN {statement} END";

    private static string Renamed(string statement) => $"CREATE CONTINUOUS QUERY q ON \"new\" BEGIN {statement} END";

    [Fact]
    public void Real_queries_follow_their_database()
    {
        Assert.Equal(Basic.Replace("golden", "\"new\"", StringComparison.Ordinal), Rename(Basic));
        Assert.Equal(Advanced.Replace("golden", "\"new\"", StringComparison.Ordinal), Rename(Advanced));
        Assert.Equal(Quoted.Replace("\"dotted.db-1 größe\"", "\"new\"", StringComparison.Ordinal), Rename(Quoted, "dotted.db-1 größe"));
    }

    [Fact]
    public void Real_queries_follow_their_policy()
    {
        Assert.Equal(Basic.Replace("rp_1d", "\"p\"", StringComparison.Ordinal), Rename(Basic, "golden", null, "rp_1d", "p"));
        Assert.Equal(Advanced.Replace("rp_1d", "\"p\"", StringComparison.Ordinal), Rename(Advanced, "golden", null, "rp_1d", "p"));
        Assert.Equal(Quoted.Replace("\"two words\"", "\"p\"", StringComparison.Ordinal), Rename(Quoted, "dotted.db-1 größe", null, "two words", "p"));
        Assert.Equal(
            Basic.Replace("golden", "\"new\"", StringComparison.Ordinal).Replace("autogen", "\"p\"", StringComparison.Ordinal),
            Rename(Basic, "golden", "new", "autogen", "p"));
    }

    [Fact]
    public void Every_query_of_a_real_backup_stays_as_it_is_when_nothing_is_renamed_and_when_another_database_is()
    {
        foreach (var database in BackupSet.Open(TestData.Golden("1.6.7-inmem")).Find(null).Metadata.Databases)
        {
            foreach (var query in database.ContinuousQueries)
            {
                Assert.Equal(query.Query, Rename(query.Query, database.Name, null));
                Assert.Equal(query.Query, Rename(query.Query, "another"));
                var there = Rename(query.Query, database.Name, "x y");
                Assert.DoesNotContain(database.Name, there, StringComparison.Ordinal);
                Assert.Equal(Rename(query.Query, database.Name, database.Name), Rename(there, "x y", database.Name));
            }
        }
    }

    /// <summary>Text in which the name of the database stands for something else.</summary>
    [Theory]
    [InlineData("SELECT mean(golden) AS golden INTO x.rp.golden FROM x.golden.golden WHERE golden = 'golden.rp.m' GROUP BY golden")]
    [InlineData("SELECT mean(v) INTO x.rp.m FROM x.rp./golden.rp.m/ WHERE t =~ /golden.rp.m/ AND u !~ /golden.rp.m/ GROUP BY time(1h)")]
    [InlineData("SELECT mean(/golden.rp.m/), max(/golden.rp.m/) INTO x.rp.m FROM x.rp.m GROUP BY /golden.rp.m/, /golden.rp.m/")]
    [InlineData("SELECT mean(v) INTO x.rp.m FROM /golden.rp.m/ WHERE t = 'it\\'s golden.rp.m' AND u = 'a\\\\'")]
    [InlineData("SELECT mean(v) INTO x.rp.\"golden.rp.m\" FROM x.rp.\"a \\\" golden.rp.m\"")]
    [InlineData("SELECT mean(v) INTO x.rp.m FROM x.rp.m WHERE \"on\" = 'x' AND goldenx = 'y' AND xgolden = 'z'")]
    [InlineData("SELECT 1.5 * mean(v), 2e3 INTO x.rp.m FROM x.rp.m")]
    [InlineData("SELECT mean(v)::float INTO x.rp.m FROM x.rp.m GROUP BY time(1h) fill(null) tz('golden.rp.m')")]
    public void What_only_looks_like_the_name_stays(string statement) => Assert.Equal(Renamed(statement), Rename(Wrap(statement)));

    [Theory]
    [InlineData("SELECT mean(v) / 2 INTO {0}.rp.m FROM {0}.rp.m WHERE t =~ /a/ AND x / 2 > 1 GROUP BY time(1h)")]
    [InlineData("SELECT sum(a) / sum(b) INTO {0}.rp.m FROM {0}..m GROUP BY /it's/, t")]
    [InlineData("SELECT /it's/ INTO {0}.rp.m FROM {0}.rp.m")]
    [InlineData("SELECT copyfrom / 2, standby / 2 INTO {0}.rp.m FROM {0}.rp.m WHERE a / 2 = 1")]
    [InlineData("SELECT mean(v) INTO {0}.rp.m FROM (SELECT v FROM {0}.rp.a), {0}.rp.b WHERE t = 'FROM /'")]
    [InlineData("SELECT mean(v) INTO {0}.rp.:MEASUREMENT FROM {0}.rp./a\\/b'c/, {0}.rp.\"m\\\"'\" WHERE t = '\"'")]
    [InlineData("SELECT mean(v)\nINTO {0}.rp.m\nFROM {0}.rp.m,{0}.rp.n")]
    public void Every_place_of_the_name_is_found(string statement) => Assert.Equal(
        Renamed(statement.Replace("{0}", "\"new\"", StringComparison.Ordinal)), Rename(Wrap(statement.Replace("{0}", "golden", StringComparison.Ordinal))));

    [Fact]
    public void A_policy_is_renamed_in_its_own_database_only()
    {
        const string Text = "CREATE CONTINUOUS QUERY q ON golden BEGIN SELECT mean(rp) INTO other.rp.rp FROM golden.rp.rp, golden.rp2.rp WHERE rp = 'rp' END";
        Assert.Equal(Text.Replace("golden.rp.rp", "golden.\"p\".rp", StringComparison.Ordinal), Rename(Text, "golden", null, "rp", "p"));
    }

    [Theory]
    [InlineData("new \"x\"", "\"new \\\"x\\\"\"")]
    [InlineData("größe.1", "\"größe.1\"")]
    public void New_names_are_quoted(string name, string quoted) => Assert.StartsWith($"CREATE CONTINUOUS QUERY cq_basic ON {quoted} BEGIN", Rename(Basic, "golden", name), StringComparison.Ordinal);

    [Fact]
    public void An_escaped_name_is_recognised() => Assert.Equal(
        "CREATE CONTINUOUS QUERY q ON \"new\" BEGIN SELECT x INTO \"new\".rp.m FROM y.rp.m END",
        Rename("CREATE CONTINUOUS QUERY q ON \"my \\\"db\\\"\" BEGIN SELECT x INTO \"my \\\"db\\\"\".rp.m FROM y.rp.m END", "my \"db\""));

    [Theory]
    [InlineData("")]
    [InlineData("'")]
    [InlineData("\"")]
    [InlineData("a.\"")]
    [InlineData("\"\\")]
    [InlineData("FROM /")]
    [InlineData("ON")]
    [InlineData("a.b.")]
    [InlineData("ポ😀.ü")]
    public void Broken_text_comes_back_as_it_is(string text) => Assert.Equal(text, Rename(text));

    [Theory]
    [InlineData("CREATE CONTINUOUS QUERY q ON db BEGIN SELECT mean(x) INTO db.rp.m FROM db.rp.n GROUP BY time(1h) END")]
    [InlineData("create continuous query \"q\" on \"db\" resample every 1h for 2h begin select f into m from /a(b/ where t = 'it\\'s' end ")]
    public void A_whole_statement_is_well_formed(string text) => Assert.True(ContinuousQueryText.IsWellFormed(text, "q", "db"));

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("DROP DATABASE db")]
    [InlineData("CREATE CONTINUOUS QUERY q ON db BEGIN SELECT mean(x) INTO db.rp.m FROM db.rp.n GROUP BY time(1h)")]
    [InlineData("CREATE CONTINUOUS QUERY q ON other BEGIN SELECT mean(x) INTO m FROM n END")]
    [InlineData("CREATE CONTINUOUS QUERY p ON db BEGIN SELECT mean(x) INTO m FROM n END")]
    [InlineData("CREATE CONTINUOUS QUERY q ON db BEGIN SELECT mean(x INTO m FROM n END")]
    [InlineData("CREATE CONTINUOUS QUERY q ON db BEGIN SELECT mean(x)) INTO m FROM n END")]
    [InlineData("CREATE CONTINUOUS QUERY q ON db BEGIN SELECT x INTO m FROM n WHERE t = 'END")]
    [InlineData("CREATE CONTINUOUS QUERY q ON db BEGIN SELECT x INTO \"m FROM n END")]
    [InlineData("CREATE CONTINUOUS QUERY q ON db BEGIN SELECT x FROM n END")]
    [InlineData("CREATE CONTINUOUS QUERY q ON db BEGIN SELECT x INTO m FROM n END; DROP DATABASE db")]
    [InlineData("CREATE CONTINUOUS QUERY q ON db SELECT BEGIN x INTO m FROM n END")]
    public void Anything_else_is_not(string text) => Assert.False(ContinuousQueryText.IsWellFormed(text, "q", "db"));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1 KB")]
    [InlineData(1536, "1.5 KB")]
    [InlineData(1L << 30, "1 GB")]
    [InlineData(1503238553L, "1.4 GB")]
    [InlineData(long.MaxValue, "8192 PB")]
    public void Sizes_are_for_people(long bytes, string text) => Assert.Equal(text, ByteSize.Format(bytes));
}
