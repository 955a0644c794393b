using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace InfluxBackup.IntegrationTests.Cli;

/// <summary>What a run of <c>influxbackup</c> said and how it ended.</summary>
public sealed record CliRun(int ExitCode, string Output, string Error)
{
    /// <summary>The objects on stdout; throws where a line is none.</summary>
    public IReadOnlyList<JsonElement> OutputObjects => Objects(Output);

    /// <summary>The objects on stderr; throws where a line is none.</summary>
    public IReadOnlyList<JsonElement> ErrorObjects => Objects(Error);

    /// <summary>The ids of the errors on stderr.</summary>
    public IReadOnlyList<string> ErrorIds => [.. ErrorObjects.Select(e => e.GetProperty("error").GetProperty("id").GetString()!)];

    /// <summary>This run, or an exception with everything that the program said.</summary>
    public CliRun Expect(int exitCode) =>
        ExitCode == exitCode ? this : throw new InvalidOperationException($"exit code {ExitCode} instead of {exitCode}\n{Output}\n{Error}");

    private static IReadOnlyList<JsonElement> Objects(string text) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
}

/// <summary>The built <c>influxbackup</c> as a process of its own, ended at the latest when disposed.</summary>
public sealed class CliProcess : IDisposable
{
    private const int SignalInterrupt = 2;
    private const int SignalTerminate = 15;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly Process process;
    private readonly Task<string> output;
    private readonly Task<string> error;

    private CliProcess(ProcessStartInfo start)
    {
        process = Process.Start(start)!;
        output = process.StandardOutput.ReadToEndAsync();
        error = process.StandardError.ReadToEndAsync();
    }

    public static string ProgramPath { get; } = Path.Combine(AppContext.BaseDirectory, "influxbackup");

    public bool HasExited => process.HasExited;

    public static CliProcess Start(params string[] arguments) => Start(new Dictionary<string, string>(), arguments);

    public static CliProcess Start(IReadOnlyDictionary<string, string> variables, params string[] arguments) =>
        StartProgram(ProgramPath, variables, arguments);

    /// <summary>Another program, which runs ours.</summary>
    public static async Task<CliRun> RunProgramAsync(string program, params string[] arguments)
    {
        using var process = StartProgram(program, new Dictionary<string, string>(), arguments);
        return await process.WaitAsync();
    }

    private static CliProcess StartProgram(string program, IReadOnlyDictionary<string, string> variables, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment.Remove("INFLUXBACKUP_PASSWORD");
        start.Environment.Remove("INFLUXBACKUP_SHARED_SECRET");
        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        return new CliProcess(start);
    }

    /// <summary>Runs to the end.</summary>
    public static Task<CliRun> RunAsync(params string[] arguments) => RunAsync(new Dictionary<string, string>(), arguments);

    public static async Task<CliRun> RunAsync(IReadOnlyDictionary<string, string> variables, params string[] arguments)
    {
        using var process = Start(variables, arguments);
        return await process.WaitAsync();
    }

    public async Task<CliRun> WaitAsync()
    {
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Limit);
        return new CliRun(process.ExitCode, await output, await error);
    }

    /// <summary>As <c>kill -9</c>.</summary>
    public void Kill() => process.Kill();

    /// <summary>As Ctrl+C.</summary>
    public void Interrupt() => _ = SendSignal(process.Id, SignalInterrupt);

    /// <summary>As <c>kill</c>, and as what stops a service.</summary>
    public void Terminate() => _ = SendSignal(process.Id, SignalTerminate);

    /// <summary>Holds it up, while its clocks go on.</summary>
    public async Task PauseAsync(TimeSpan time)
    {
        var (stop, go) = OperatingSystem.IsMacOS() ? (17, 19) : (19, 18);
        _ = SendSignal(process.Id, stop);
        await Task.Delay(time, TestContext.Current.CancellationToken);
        _ = SendSignal(process.Id, go);
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill();
            process.WaitForExit();
        }

        process.Dispose();
    }

    // .NET offers no way to send SIGINT.
    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int processId, int signal);
}
