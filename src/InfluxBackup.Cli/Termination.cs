using System.Runtime.InteropServices;

namespace InfluxBackup.Cli;

/// <summary>
/// Turns Ctrl+C, a request to terminate and the end of the terminal into one cancellation, so that the engine can remove what
/// is half-written. A second Ctrl+C does not wait: whatever is left then is removed by the next run.
/// </summary>
internal sealed class Termination : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly List<PosixSignalRegistration> registrations;

    public Termination() =>
        registrations = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT }
            .Select(signal => PosixSignalRegistration.Create(signal, OnSignal))];

    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        registrations.ForEach(r => r.Dispose());
        source.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        if (!source.IsCancellationRequested)
        {
            context.Cancel = true;
            source.Cancel();
        }
    }
}
