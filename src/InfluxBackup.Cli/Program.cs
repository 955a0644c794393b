using System.CommandLine;
using InfluxBackup.Cli;

using var termination = new Termination();
var arguments = CommandTree.Parse(args);
if (arguments.Errors.Count > 0)
{
    return CommandTree.ReportUsage(arguments);
}

// Signals are ours: the library's own handler would end the process before the engine has removed what it wrote.
return await arguments.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null }, termination.Token);
