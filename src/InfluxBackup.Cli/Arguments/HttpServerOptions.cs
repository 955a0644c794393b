using System.CommandLine;
using InfluxBackup.Http;

namespace InfluxBackup.Cli.Arguments;

/// <summary>Which server, for verbs that talk to the HTTP API alone; several addresses for a cluster.</summary>
internal sealed class HttpServerOptions
{
    private readonly Option<Uri[]> httpUri = new("--http-uri")
    {
        Description = "HTTP API of the server, for instance http://influx01:8086. Give it once for each data node of a cluster to spread the work over them.",
        HelpName = "uri",
        Required = true,
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result => [.. result.Tokens.Select(t => Parse(t.Value, result)).OfType<Uri>()],
    };

    private readonly Option<string?> userName = new("--user-name")
    {
        Description = $"User. The password is read from the variable {ServerOptions.PasswordVariable} or from --password-file.",
        HelpName = "name",
    };

    private readonly Option<FileInfo?> passwordFile = new("--password-file") { Description = "File whose first line is the password.", HelpName = "file" };

    private readonly Option<bool> skipCertificateCheck = new("--skip-certificate-check") { Description = "Accept any certificate." };

    private readonly Option<TimeSpan?> timeout = new("--timeout")
    {
        Description = "Longest time that a request may take, in seconds or as 00:02:00. [default: 120]",
        HelpName = "time",
        CustomParser = ArgumentParsers.Duration,
    };

    public void AddTo(Command command)
    {
        Option[] options = [httpUri, userName, passwordFile, skipCertificateCheck, timeout];
        foreach (var option in options)
        {
            command.Options.Add(option);
        }
    }

    public IReadOnlyList<InfluxHttpOptions> Read(ParseResult arguments)
    {
        var name = arguments.GetValue(userName);
        var file = arguments.GetValue(passwordFile);
        var credential = name is not null ? new InfluxCredential(name, ServerOptions.ReadPassword(file, name))
            : file is null ? null
            : throw ServerOptions.UserNameRequired();
        return [.. arguments.GetRequiredValue(httpUri).Select(uri => new InfluxHttpOptions
        {
            Uri = uri,
            Credential = credential,
            SkipCertificateCheck = arguments.GetValue(skipCertificateCheck),
            Timeout = arguments.GetValue(timeout) ?? TimeSpan.FromMinutes(2),
        })];
    }

    private static Uri? Parse(string text, System.CommandLine.Parsing.ArgumentResult result)
    {
        try
        {
            return InfluxHttpOptions.ParseUri(text);
        }
        catch (InfluxBackupException e)
        {
            result.AddError(e.FullMessage);
            return null;
        }
    }
}
