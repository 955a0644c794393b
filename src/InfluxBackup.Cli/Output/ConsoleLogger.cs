using Microsoft.Extensions.Logging;

namespace InfluxBackup.Cli.Output;

/// <summary>
/// What the engine logs. Warnings are for everybody as they happen; errors come with the result, so showing them here too would
/// only say them twice; the rest is for <c>--verbose</c>.
/// </summary>
internal sealed class ConsoleLogger(ConsoleOutput console) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel is >= LogLevel.Information and < LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }

        var message = formatter(state, exception);
        if (logLevel == LogLevel.Warning && !console.IsJson)
        {
            console.WriteWarning(message);
        }
        else
        {
            console.WriteEvent(new { @event = "log", level = logLevel, message }, message);
        }
    }
}
