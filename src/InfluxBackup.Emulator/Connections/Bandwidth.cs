using System.Diagnostics;

namespace InfluxBackup.Emulator;

/// <summary>What all connections of a node can send together in a second.</summary>
internal sealed class Bandwidth(long bytesPerSecond)
{
    /// <summary>Larger pieces would make one connection wait for another's.</summary>
    public const int LargestPiece = 64 << 10;

    /// <summary>What was not used for so long is not lost yet: timers are that coarse.</summary>
    private const double LongestCredit = 0.02;

    private readonly object gate = new();
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private double freeAt;

    /// <summary>Waits until so many bytes may be sent.</summary>
    public async ValueTask TakeAsync(int bytes, CancellationToken cancel)
    {
        double wait;
        lock (gate)
        {
            var now = clock.Elapsed.TotalSeconds;
            freeAt = Math.Max(freeAt, now - LongestCredit) + ((double)bytes / bytesPerSecond);
            wait = freeAt - now;
        }

        if (wait > 0.001)
        {
            await Task.Delay(TimeSpan.FromSeconds(wait), cancel).ConfigureAwait(false);
        }
    }
}
