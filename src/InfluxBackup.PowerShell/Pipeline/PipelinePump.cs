using System.Collections.Concurrent;
using System.Management.Automation;

namespace InfluxBackup.PowerShell.Pipeline;

/// <summary>
/// Lets asynchronous work speak to PowerShell. A cmdlet may write to its streams from the pipeline's thread alone, so the work runs on
/// the thread pool and posts what it has to say; the pipeline's thread, which waits for the work anyway, says it.
/// </summary>
internal sealed class PipelinePump(Cmdlet cmdlet, CancellationTokenSource stop) : IDisposable
{
    /// <summary>Also how often the progress display is refreshed.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    // Bounded: a console that is paused or scrolled back slows the work down instead of filling the memory.
    private readonly BlockingCollection<Message> queue = new(boundedCapacity: 1024);

    public ProgressDisplay Progress { get; } = new();

    /// <summary>From any thread: has <paramref name="action"/> done on the pipeline's thread.</summary>
    /// <param name="action">What to do.</param>
    /// <param name="isUrgent">Also when the pipeline has been stopped meanwhile; the action then must not write to it.</param>
    public void Post(Action<Cmdlet> action, bool isUrgent = false) => queue.Add(new Message(action, isUrgent));

    /// <summary>Runs the work and returns what it returns. To be called on the pipeline's thread.</summary>
    /// <exception cref="PipelineStoppedException">The user or a later command stopped the pipeline; the work has ended.</exception>
    public T Run<T>(Func<CancellationToken, Task<T>> work)
    {
        var task = Task.Run(() => work(stop.Token));
        var awakened = task.ContinueWith(_ => Post(static _ => { }), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        try
        {
            while (!awakened.IsCompleted || queue.Count > 0)
            {
                if (queue.TryTake(out var message, Interval))
                {
                    message.Say(cmdlet);
                }

                Progress.Render(cmdlet, Interval);
            }

            Progress.Complete(cmdlet);
        }
        catch
        {
            // The pipeline was stopped while something was written to it. What is under way has to end before the cmdlet does:
            // it removes its unfinished files on the way.
            stop.Cancel();
            Drain(awakened);
            throw;
        }

        try
        {
            return task.GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => queue.Dispose();

    private void Drain(Task awakened)
    {
        while (!awakened.IsCompleted || queue.Count > 0)
        {
            if (queue.TryTake(out var message, Interval) && message.IsUrgent)
            {
                message.Say(cmdlet);
            }
        }
    }

    private readonly record struct Message(Action<Cmdlet> Say, bool IsUrgent);
}
