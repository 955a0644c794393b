using System.CommandLine;
using System.CommandLine.Parsing;
using InfluxBackup.Cluster;
using InfluxBackup.Http;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Cli.Arguments;

/// <summary>Which server or cluster, and how to reach it.</summary>
internal sealed class ServerOptions
{
    public const string PasswordVariable = "INFLUXBACKUP_PASSWORD";
    public const string SharedSecretVariable = "INFLUXBACKUP_SHARED_SECRET";

    private readonly Kinds kinds;

    private readonly Option<DataNodeAddress?> dataNode = new("--data-node")
    {
        Description = "Backup service of the server as host or host:port; the port is 8088 unless bind-address in influxdb.conf says otherwise.",
        HelpName = "host[:port]",
        CustomParser = ArgumentParsers.DataNode,
    };

    private readonly Option<MetaNodeAddress[]> metaNode = new("--meta-node")
    {
        Description = "Meta node of a cluster as host or host:port; the port is 8091 unless it was configured otherwise. "
            + "Give it once for each meta node: any that is up serves.",
        HelpName = "host[:port]",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = ArgumentParsers.MetaNodes,
    };

    private readonly Option<Uri?> httpUri = new("--http-uri")
    {
        Description = "HTTP API of the server, for instance http://influx01:8086. Lets sizes, versions, continuous queries and grants be handled too.",
        HelpName = "uri",
        CustomParser = ArgumentParsers.HttpUri,
    };

    private readonly Option<string?> userName = new("--user-name")
    {
        Description = $"User for the HTTP API, of a cluster's meta nodes too. The password is read from the variable {PasswordVariable} or from --password-file.",
        HelpName = "name",
    };

    private readonly Option<FileInfo?> passwordFile = new("--password-file")
    {
        Description = "File whose first line is the password.",
        HelpName = "file",
    };

    private readonly Option<FileInfo?> sharedSecretFile = new("--shared-secret-file")
    {
        Description = "File whose first line is the secret that signs the tokens for meta nodes: shared-secret of section [meta] with --user-name, "
            + $"internal-shared-secret without. The variable {SharedSecretVariable} does the same.",
        HelpName = "file",
    };

    private readonly Option<bool> useTls = new("--use-tls") { Description = "Talk TLS to the data node, HTTPS to the meta nodes." };

    private readonly Option<bool> useDataNodeTls = new("--use-data-node-tls") { Description = "Talk TLS to the backup service of a cluster's data nodes." };

    private readonly Option<bool> skipCertificateCheck = new("--skip-certificate-check") { Description = "Accept any certificate." };

    private readonly Option<TimeSpan?> timeout = new("--timeout")
    {
        Description = "Longest silence of the server, in seconds or as 00:02:00. [default: 120]",
        HelpName = "time",
        CustomParser = ArgumentParsers.Duration,
    };

    /// <param name="kinds">What the verb can talk to.</param>
    /// <param name="required">Whether it has nothing else to work on.</param>
    public ServerOptions(Kinds kinds, bool required)
    {
        this.kinds = kinds;
        IsRequired = required;
        dataNode.Required = required && kinds == Kinds.Server;
        metaNode.Required = required && kinds == Kinds.Cluster;
    }

    /// <summary>What a verb can talk to.</summary>
    [Flags]
    public enum Kinds
    {
        /// <summary>A data node by itself.</summary>
        Server = 1,

        /// <summary>The meta nodes of a cluster, and through them the data nodes.</summary>
        Cluster = 2,

        /// <summary>Either.</summary>
        Any = Server | Cluster,
    }

    private bool IsRequired { get; }

    public void AddTo(Command command)
    {
        Option[] ofServer = [dataNode, httpUri];
        Option[] ofCluster = [metaNode, sharedSecretFile, useDataNodeTls];
        Option[] ofBoth = [userName, passwordFile, useTls, skipCertificateCheck, timeout];
        foreach (var option in (Option[])[.. Of(Kinds.Server, ofServer), .. Of(Kinds.Cluster, ofCluster), .. ofBoth])
        {
            command.Options.Add(option);
        }

        if (kinds == Kinds.Any)
        {
            command.Validators.Add(result => Check(result, ofServer, ofCluster));
        }
    }

    public bool IsGiven(CommandResult arguments) => arguments.GetResult(dataNode) is not null || IsCluster(arguments);

    /// <summary>Whether meta nodes were named, and not a data node.</summary>
    public bool IsCluster(CommandResult arguments) => arguments.GetResult(metaNode) is not null;

    /// <summary>What was named, one server or a cluster.</summary>
    public InfluxAccess ReadAny(ParseResult arguments) => IsCluster(arguments.CommandResult) ? ReadCluster(arguments) : Read(arguments);

    public ServerAccess Read(ParseResult arguments)
    {
        var connection = new SnapshotterOptions { UseTls = arguments.GetValue(useTls), SkipCertificateCheck = arguments.GetValue(skipCertificateCheck) };
        var http = ReadHttp(arguments);
        if (arguments.GetValue(timeout) is { } limit)
        {
            connection = connection with { IdleTimeout = limit };
            http = http is null ? null : http with { Timeout = limit };
        }

        return new ServerAccess { DataNode = arguments.GetRequiredValue(dataNode)!, Connection = connection, Http = http };
    }

    public ClusterAccess ReadCluster(ParseResult arguments)
    {
        var name = arguments.GetValue(userName);
        var file = arguments.GetValue(passwordFile);
        var secret = arguments.GetValue(sharedSecretFile) is { } secretFile
            ? SecretFile.ReadFirstLine(secretFile, "shared secret")
            : Environment.GetEnvironmentVariable(SharedSecretVariable);
        var hasPassword = file is not null || Environment.GetEnvironmentVariable(PasswordVariable) is not null;
        var skip = arguments.GetValue(skipCertificateCheck);
        var meta = new MetaNodeOptions
        {
            UseTls = arguments.GetValue(useTls),
            SkipCertificateCheck = skip,
            SharedSecret = string.IsNullOrEmpty(secret) ? null : new SharedSecret(secret),
            UserName = name,
            // Who signs needs no password; the data nodes' HTTP API may want one all the same.
            Credential = name is null ? file is null ? null : throw UserNameRequired()
                : hasPassword || string.IsNullOrEmpty(secret) ? new InfluxCredential(name, ReadPassword(file, name))
                : null,
        };
        var nodes = new SnapshotterOptions { UseTls = arguments.GetValue(useDataNodeTls), SkipCertificateCheck = skip };
        if (arguments.GetValue(timeout) is { } limit)
        {
            meta = meta with { Timeout = limit };
            nodes = nodes with { IdleTimeout = limit };
        }

        return new ClusterAccess { MetaNodes = arguments.GetRequiredValue(metaNode), Meta = meta, DataNodes = nodes };
    }

    private void Check(CommandResult result, Option[] ofServer, Option[] ofCluster)
    {
        var isServer = result.GetResult(dataNode) is not null;
        if (isServer && IsCluster(result))
        {
            result.AddError("Give --data-node for one server or --meta-node for a cluster, not both.");
            return;
        }

        if (IsRequired && !IsGiven(result))
        {
            result.AddError("Give --data-node for one server, or --meta-node for a cluster.");
            // The parser looks for the options that it knows to be required only where no validator has found anything.
            foreach (var missing in result.Command.Options.Where(o => o.Required && (result.GetResult(o) is null or { Implicit: true })))
            {
                result.AddError($"Option '{missing.Name}' is required.");
            }
        }

        foreach (var option in (isServer ? ofCluster : IsCluster(result) ? ofServer : []).Where(o => result.GetResult(o) is { Implicit: false }))
        {
            result.AddError(isServer
                ? $"{option.Name} is for a cluster: give --meta-node instead of --data-node."
                : $"{option.Name} is for one server: the meta nodes tell where the data nodes are.");
        }
    }

    private Option[] Of(Kinds kind, Option[] options) => kinds.HasFlag(kind) ? options : [];

    private InfluxHttpOptions? ReadHttp(ParseResult arguments)
    {
        var name = arguments.GetValue(userName);
        var file = arguments.GetValue(passwordFile);
        if (arguments.GetValue(httpUri) is not { } uri)
        {
            return name is null && file is null ? null : throw Usage("HttpUriRequired", "A user is of use only for the HTTP API.", "Give --http-uri too.");
        }

        return new InfluxHttpOptions
        {
            Uri = uri,
            SkipCertificateCheck = arguments.GetValue(skipCertificateCheck),
            Credential = name is not null ? new InfluxCredential(name, ReadPassword(file, name)) : file is null ? null : throw UserNameRequired(),
        };
    }

    /// <summary>Never from the command line itself: every user of the machine can read that.</summary>
    internal static string ReadPassword(FileInfo? file, string name) => file is not null
        ? SecretFile.ReadFirstLine(file, "password")
        : Environment.GetEnvironmentVariable(PasswordVariable)
            ?? throw Usage("PasswordRequired", $"There is no password for user '{name}'.", $"Put it into the variable {PasswordVariable}, or give --password-file.");

    internal static InfluxBackupException UserNameRequired() => Usage("UserNameRequired", "There is a password but no user.", "Give --user-name too.");

    private static InfluxBackupException Usage(string id, string message, string remedy) => new(id, ErrorKind.InvalidArgument, message) { Remedy = remedy };
}
