using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace InfluxBackup.IntegrationTests.RealServer;

/// <summary>What a program did and what it cost.</summary>
public sealed record ProcessRun
{
    public required int ExitCode { get; init; }

    public required string Output { get; init; }

    public required string Error { get; init; }

    public required TimeSpan Elapsed { get; init; }

    /// <summary>User and system time of the program and its children.</summary>
    public required TimeSpan Cpu { get; init; }

    /// <summary>The largest working set in bytes.</summary>
    public required long PeakMemory { get; init; }

    public string Text => Output + Error;

    /// <summary>This run, or an exception with everything that the program said.</summary>
    public ProcessRun EnsureSuccess() => ExitCode == 0 ? this : throw new InvalidOperationException($"exit code {ExitCode}\n{Text}");
}

/// <summary>Runs a program to its end, bounded by a timeout, and takes its measure.</summary>
public static class MeasuredProcess
{
    private static readonly TimeSpan LongestPollInterval = TimeSpan.FromMilliseconds(10);

    public static async Task<ProcessRun> RunAsync(
        string path, IEnumerable<string> arguments, TimeSpan timeout, CancellationToken cancel = default)
    {
        var cpuBefore = ChildrenCpu();
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(Executable.CreateStartInfo(path, arguments))!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(timeout);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            // On a thread of its own: the pool's may be busy just in the few milliseconds that a program lives.
            var peak = Task.Factory.StartNew(
                () => PollPeakMemory(process.Id), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            await process.WaitForExitAsync(limit.Token);
            var elapsed = clock.Elapsed;
            return new ProcessRun
            {
                ExitCode = process.ExitCode,
                Output = await output,
                Error = await error,
                Elapsed = elapsed,
                Cpu = ChildrenCpu() - cpuBefore,
                PeakMemory = await peak,
            };
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10), CancellationToken.None);
            cancel.ThrowIfCancellationRequested();
            throw new TimeoutException($"{Path.GetFileName(path)} did not end within {timeout}.");
        }
    }

    /// <summary>
    /// The kernel keeps the peak (VmHWM), so that a poll misses only what is added after the last look. The peak that wait4
    /// reports would not do: it counts what the parent had when it started the child.
    /// </summary>
    private static long PollPeakMemory(int processId)
    {
        long peak = 0;
        // Often at first: some programs have ended after a few milliseconds.
        var interval = TimeSpan.FromMilliseconds(1);
        while (ReadPeakMemory(processId) is { } now)
        {
            peak = Math.Max(peak, now);
            Thread.Sleep(interval);
            interval = interval < LongestPollInterval ? interval * 1.1 : LongestPollInterval;
        }
        return peak;
    }

    private static long? ReadPeakMemory(int processId)
    {
        try
        {
            // "VmHWM:     24680 kB"; a process that has ended and was not waited for has no such line.
            string? line = File.ReadLines($"/proc/{processId}/status").FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? null : long.Parse(line["VmHWM:".Length..^"kB".Length], CultureInfo.InvariantCulture) * 1024;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>
    /// Exact to the tick, but of all children that have ended: whoever measures must let no other child end meanwhile.
    /// </summary>
    private static TimeSpan ChildrenCpu()
    {
        const int children = -1;
        // struct rusage: seconds and microseconds of user time, the same of system time, then fourteen more numbers.
        nint[] usage = new nint[18];
        return GetResourceUsage(children, usage) == 0
            ? TimeSpan.FromSeconds(usage[0] + usage[2]) + TimeSpan.FromMicroseconds(usage[1] + usage[3])
            : throw new InvalidOperationException("getrusage failed.");
    }

    [DllImport("libc", EntryPoint = "getrusage")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetResourceUsage(int who, nint[] usage);
}
