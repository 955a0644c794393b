using System.CommandLine;
using System.CommandLine.Parsing;
using InfluxBackup.DataDirectory;

namespace InfluxBackup.Cli.Arguments;

/// <summary>The directories of a stopped server.</summary>
internal sealed class DirectoryOptions
{
    private readonly Option<string?> data = new("--data-directory")
    {
        Description = "Data directory of a stopped server, for instance /var/lib/influxdb/data.",
        HelpName = "directory",
    };

    private readonly Option<string?> wal = new("--wal-directory")
    {
        Description = "Its WAL directory, for instance /var/lib/influxdb/wal. Without it the newest points are missing.",
        HelpName = "directory",
    };

    private readonly Option<string?> meta = new("--meta-directory")
    {
        Description = "The directory of its meta.db, for instance /var/lib/influxdb/meta. It tells the times of shards, and which are deleted.",
        HelpName = "directory",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(data);
        command.Options.Add(wal);
        command.Options.Add(meta);
        command.Validators.Add(result =>
        {
            if (result.GetResult(data) is null && (result.GetResult(wal) is not null || result.GetResult(meta) is not null))
            {
                result.AddError("--wal-directory and --meta-directory need --data-directory.");
            }
        });
    }

    public bool IsGiven(CommandResult result) => result.GetResult(data) is not null || result.GetResult(wal) is not null || result.GetResult(meta) is not null;

    public ServerDirectories Open(ParseResult arguments) =>
        ServerDirectories.Open(arguments.GetValue(data), arguments.GetValue(wal), arguments.GetValue(meta));
}
