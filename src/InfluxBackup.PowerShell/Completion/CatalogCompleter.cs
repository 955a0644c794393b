using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using InfluxBackup.DataDirectory;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.PowerShell.Parameters;
using InfluxBackup.Snapshotter;
using ShardInfo = InfluxBackup.Operations.ShardInfo;

namespace InfluxBackup.PowerShell.Completion;

/// <summary>
/// Base of the completers: offers what the set or the server holds that the command line has named so far. A completer that can't
/// find out offers nothing, and never an error.
/// </summary>
public abstract class CatalogCompleter : IArgumentCompleter
{
    /// <summary>Somebody waits for the key to do something.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            var pattern = new WildcardPattern(wordToComplete.Trim('\'', '"') + "*", WildcardOptions.IgnoreCase);
            return Candidates(commandName, new BoundParameters(fakeBoundParameters))
                .Where(c => pattern.IsMatch(c.Text))
                .DistinctBy(c => c.Text)
                .Select(c => new CompletionResult(Quoted(c.Text), c.Text, CompletionResultType.ParameterValue, c.ToolTip))
                .ToList();
        }
        catch (Exception)
        {
            return [];
        }
    }

    private protected abstract IEnumerable<Candidate> Candidates(string commandName, BoundParameters bound);

    /// <summary>The shards of the source: of the server for a backup, else of the directories or the set where they are named.</summary>
    private protected static IEnumerable<ShardInfo> Shards(string commandName, BoundParameters bound)
    {
        if (bound.DataDirectory is not null)
        {
            return OfDirectories(bound);
        }

        var isOfServer = commandName.StartsWith("Backup", StringComparison.OrdinalIgnoreCase) || bound.Path is null;
        return isOfServer ? OfServer(bound) : OfSet(bound);
    }

    /// <summary>Those of the databases that are named so far, or of all.</summary>
    private protected static IEnumerable<ShardInfo> ShardsOfDatabases(string commandName, BoundParameters bound) =>
        Shards(commandName, bound).Where(s => bound.Databases.Count == 0 || bound.Databases.Contains(s.Database));

    /// <summary>Relative to where the user stands, which only the runspace knows.</summary>
    private protected static string SetDirectory(string path)
    {
        using var shell = System.Management.Automation.PowerShell.Create(RunspaceMode.CurrentRunspace);
        var context = shell.AddScript("$ExecutionContext").Invoke<EngineIntrinsics>()[0];
        return SetPaths.LiteralDirectory(context.SessionState.Path, path);
    }

    private static IReadOnlyList<ShardInfo> OfSet(BoundParameters bound) =>
        CatalogOperation.ReadBackup(SetDirectory(bound.Path!), bound.Timestamp, ShardSelection.Everything).Shards;

    private static IReadOnlyList<ShardInfo> OfDirectories(BoundParameters bound)
    {
        using var limit = new CancellationTokenSource(Patience);
        var directories = ServerDirectories.Open(SetDirectory(bound.DataDirectory!), Directory(bound.WalDirectory), Directory(bound.MetaDirectory));
        return CatalogOperation.ReadDirectories(directories, ShardSelection.Everything, limit.Token).Shards;

        static string? Directory(string? path) => path is null ? null : SetDirectory(path);
    }

    private static IReadOnlyList<ShardInfo> OfServer(BoundParameters bound)
    {
        if (bound.MetaNodes.Count > 0)
        {
            return OfCluster(bound);
        }

        if (bound.DataNode is null)
        {
            return [];
        }

        var server = new ServerAccess
        {
            DataNode = DataNodeAddress.Parse(bound.DataNode),
            Connection = new SnapshotterOptions
            {
                ConnectTimeout = Patience,
                IdleTimeout = Patience,
                UseTls = bound.UseTls,
                SkipCertificateCheck = bound.SkipCertificateCheck,
            },
        };
        using var limit = new CancellationTokenSource(Patience);
        var token = limit.Token;
        var task = Task.Run(() => CatalogOperation.ReadServerAsync(server, ShardSelection.Everything, token), token);
        return task.Wait(Patience) ? task.Result : [];
    }

    /// <summary>Names and times alone, which the metadata tell; and without a login: nobody sends a secret by pressing a key.</summary>
    private static IReadOnlyList<ShardInfo> OfCluster(BoundParameters bound)
    {
        var cluster = new ClusterParameters([.. bound.MetaNodes])
        {
            UseTls = bound.UseTls,
            SkipCertificateCheck = bound.SkipCertificateCheck,
            Timeout = Patience,
        }.ToAccess();
        using var limit = new CancellationTokenSource(Patience);
        var token = limit.Token;
        var task = Task.Run(() => CatalogOperation.ReadClusterAsync(cluster, ShardSelection.Everything, token), token);
        return task.Wait(Patience) ? task.Result : [];
    }

    private static string Quoted(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.') && text[0] is not '-'
            ? text
            : $"'{CodeGeneration.EscapeSingleQuotedStringContent(text)}'";

    private protected sealed record Candidate(string Text, string ToolTip);
}
