namespace InfluxBackup.IntegrationTests.Cli;

/// <summary>Options that make no sense end with exit code 2, name the option, and touch nothing.</summary>
public sealed class UsageTests
{
    [Theory]
    [InlineData("Give a verb: backup, restore, import", "")]
    [InlineData("'bakcup' is not a verb", "bakcup")]
    [InlineData("--path", "backup")]
    [InlineData("--data-node", "backup --path /nowhere/set")]
    [InlineData("--path", "manifest")]
    [InlineData("Give one of --path, --data-node, --meta-node and --data-directory", "shards")]
    [InlineData("Give one of --path, --data-node, --meta-node and --data-directory", "shards --path x --data-node y")]
    [InlineData("--meta-node", "cluster")]
    [InlineData("Give --data-node for one server, or --meta-node for a cluster", "backup --path /nowhere/set")]
    [InlineData("not both", "restore --path /nowhere/set --data-node localhost --meta-node localhost")]
    [InlineData("--http-uri is for one server", "backup --path /nowhere/set --meta-node localhost --http-uri localhost:8086")]
    [InlineData("--shared-secret-file is for a cluster", "backup --path /nowhere/set --data-node localhost --shared-secret-file x")]
    [InlineData("--shared-secret", "cluster --meta-node localhost --shared-secret s")]
    [InlineData("leave out the scheme", "cluster --meta-node http://localhost:8091")]
    [InlineData("--frob", "backup --path /nowhere/set --data-node localhost --frob")]
    [InlineData("--password", "backup --path /nowhere/set --data-node localhost --http-uri localhost:8086 --user-name admin --password secret")]
    [InlineData("leave out the scheme", "backup --path /nowhere/set --data-node http://localhost:8088")]
    [InlineData("1 to 65535", "backup --path /nowhere/set --data-node localhost:99999")]
    [InlineData("'yesterday' is not a time", "backup --path /nowhere/set --data-node localhost --since yesterday")]
    [InlineData("'soon' is not a length of time", "backup --path /nowhere/set --data-node localhost --timeout soon")]
    [InlineData("'-3' is not a length of time", "backup --path /nowhere/set --data-node localhost --timeout -3")]
    [InlineData("'x7' is not the id of a shard", "backup --path /nowhere/set --data-node localhost --shard-id x7")]
    [InlineData("'0' is not a number from 1", "restore --path /nowhere/set --data-node localhost --throttle-limit 0")]
    [InlineData("--compression-level", "backup --path /nowhere/set --data-node localhost --compression-level best")]
    [InlineData("Give --http-uri too", "backup --path /nowhere/set --data-node localhost --user-name admin")]
    [InlineData("INFLUXBACKUP_PASSWORD", "backup --path /nowhere/set --data-node localhost --http-uri localhost --user-name admin")]
    [InlineData("--user-name", "backup --path /nowhere/set --data-node localhost --http-uri localhost --password-file /nowhere/file")]
    [InlineData("not a plain http", "backup --path /nowhere/set --data-node localhost --http-uri http://admin:secret@localhost")]
    public async Task Wrong_options_are_named(string expected, string arguments)
    {
        var run = (await CliProcess.RunAsync(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries))).Expect(2);

        Assert.Empty(run.Output);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        // A secret given in the wrong place is not repeated for the log.
        Assert.DoesNotContain("secret@", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_json_wrong_options_are_objects()
    {
        var run = (await CliProcess.RunAsync("backup", "--json", "--path", "/nowhere/set", "--data-node", "localhost:x", "--timeout", "soon")).Expect(2);

        Assert.Equal(["UsageInvalid", "UsageInvalid"], run.ErrorIds);
        Assert.Empty(run.Output);
    }

    [Theory]
    [InlineData("backup", "restore", "manifest", "test", "shards", "cluster", "demo")]
    public async Task Help_lists_every_verb_and_every_verb_has_help(params string[] verbs)
    {
        var help = (await CliProcess.RunAsync("--help")).Expect(0).Output;
        foreach (var verb in verbs)
        {
            Assert.Contains($"  {verb} ", help, StringComparison.Ordinal);
            Assert.Contains($"influxbackup {verb} [options]", (await CliProcess.RunAsync(verb, "--help")).Expect(0).Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_version_is_that_of_the_module() =>
        Assert.Equal(Operations.ToolVersion.Current, (await CliProcess.RunAsync("--version")).Expect(0).Output.Trim().Split('+')[0]);
}
