using System.CommandLine;
using System.CommandLine.Parsing;
using InfluxBackup.Http;
using InfluxBackup.Operations;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Cli.Arguments;

/// <summary>Which server, and how to reach it.</summary>
internal sealed class ServerOptions
{
    public const string PasswordVariable = "INFLUXBACKUP_PASSWORD";

    private readonly Option<DataNodeAddress?> dataNode;

    private readonly Option<Uri?> httpUri = new("--http-uri")
    {
        Description = "HTTP API of the server, for instance http://influx01:8086. Lets sizes, versions, continuous queries and grants be handled too.",
        HelpName = "uri",
        CustomParser = ArgumentParsers.HttpUri,
    };

    private readonly Option<string?> userName = new("--user-name")
    {
        Description = $"User for the HTTP API. The password is read from the variable {PasswordVariable} or from --password-file.",
        HelpName = "name",
    };

    private readonly Option<FileInfo?> passwordFile = new("--password-file")
    {
        Description = "File whose first line is the password.",
        HelpName = "file",
    };

    private readonly Option<bool> useTls = new("--use-tls") { Description = "Talk TLS to the data node." };

    private readonly Option<bool> skipCertificateCheck = new("--skip-certificate-check") { Description = "Accept any certificate." };

    private readonly Option<TimeSpan?> timeout = new("--timeout")
    {
        Description = "Longest silence of the server, in seconds or as 00:02:00. [default: 120]",
        HelpName = "time",
        CustomParser = ArgumentParsers.Duration,
    };

    public ServerOptions(bool required) => dataNode = new("--data-node")
    {
        Description = "Backup service of the server as host or host:port; the port is 8088 unless bind-address in influxdb.conf says otherwise.",
        HelpName = "host[:port]",
        Required = required,
        CustomParser = ArgumentParsers.DataNode,
    };

    public void AddTo(Command command)
    {
        Option[] options = [dataNode, httpUri, userName, passwordFile, useTls, skipCertificateCheck, timeout];
        foreach (var option in options)
        {
            command.Options.Add(option);
        }
    }

    public bool IsGiven(CommandResult arguments) => arguments.GetResult(dataNode) is not null;

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
            Credential = name is not null ? new InfluxCredential(name, ReadPassword(file, name))
                : file is null ? null
                : throw Usage("UserNameRequired", "There is a password but no user.", "Give --user-name too."),
        };
    }

    /// <summary>Never from the command line itself: every user of the machine can read that.</summary>
    internal static string ReadPassword(FileInfo? file, string name)
    {
        if (file is null)
        {
            return Environment.GetEnvironmentVariable(PasswordVariable)
                ?? throw Usage("PasswordRequired", $"There is no password for user '{name}'.", $"Put it into the variable {PasswordVariable}, or give --password-file.");
        }

        try
        {
            return File.ReadLines(file.FullName).FirstOrDefault() ?? "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InfluxBackupException("PasswordFileUnreadable", ErrorKind.Read, $"The password file can't be read: {e.Message}", e) { Subject = file.FullName };
        }
    }

    internal static InfluxBackupException Usage(string id, string message, string remedy) => new(id, ErrorKind.InvalidArgument, message) { Remedy = remedy };
}
