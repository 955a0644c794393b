namespace InfluxBackup.PowerShell.Pipeline;

/// <summary>An import that runs while the pipeline still brings lines.</summary>
internal sealed class PipedImport(LineStream lines, Func<CancellationToken, Task<object>> work, CancellationToken stop) : IDisposable
{
    private static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(10);

    private Task<object>? running;

    /// <summary>Whether the import takes no more lines.</summary>
    public bool IsEnded => running is { IsCompleted: true };

    public LineStream Lines => lines;

    /// <summary>Brings what was gathered to the import, which is started with the first piece.</summary>
    public async Task<bool> HandOverAsync(CancellationToken cancel)
    {
        running ??= Task.Run(() => work(stop), CancellationToken.None);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task handing = lines.HandOverAsync(ended.Token);
        if (await Task.WhenAny(handing, running).ConfigureAwait(false) == running)
        {
            // Nobody reads any more: the rest of the pipeline goes nowhere, and the result tells why.
            await ended.CancelAsync().ConfigureAwait(false);
            await handing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        else
        {
            await handing.ConfigureAwait(false);
        }

        return true;
    }

    /// <summary>All lines have come: waits for the result.</summary>
    public async Task<object> EndAsync(CancellationToken cancel)
    {
        await HandOverAsync(cancel).ConfigureAwait(false);
        lines.End();
        return await running!.ConfigureAwait(false);
    }

    public void Dispose()
    {
        // A reader that waits for more ends, and says what it has to say before nobody listens any more.
        lines.End();
        if (running is not null)
        {
            Task.WhenAny(running, Task.Delay(LongestEnd)).GetAwaiter().GetResult();
        }

        lines.Dispose();
    }
}
