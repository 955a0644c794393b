using Microsoft.Extensions.Logging;

namespace InfluxBackup.PowerShell.Pipeline;

/// <summary>
/// The engine's log on PowerShell's streams. What the engine logs as an error is in the result too, and from there becomes an error
/// record; here it is only told with the details, so that nobody reads of the same failure twice.
/// </summary>
internal sealed class PipelineLogger(PipelinePump pump, Action<string> warn) : ILogger
{
    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => logLevel is >= LogLevel.Debug and < LogLevel.None;

    /// <inheritdoc/>
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }

        var text = formatter(state, exception);
        switch (logLevel)
        {
            case LogLevel.Warning:
                pump.Post(_ => warn(text), isUrgent: true);
                break;
            case LogLevel.Debug:
                pump.Post(cmdlet => cmdlet.WriteDebug(text));
                break;
            default:
                pump.Post(cmdlet => cmdlet.WriteVerbose(text));
                break;
        }
    }
}
