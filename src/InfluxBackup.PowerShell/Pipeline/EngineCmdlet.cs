using System.Management.Automation;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.PowerShell.Pipeline;

/// <summary>
/// Base of all cmdlets: waits for the engine, brings its objects, progress, log and errors to PowerShell's streams, and cancels it
/// when the pipeline is stopped.
/// </summary>
public abstract class EngineCmdlet : PSCmdlet, IDisposable
{
    /// <summary>Tag of the information records, to tell them from those of others.</summary>
    private static readonly string[] InformationTags = ["InfluxBackup"];

    // Not disposed: it holds nothing, and StopProcessing may come when the cmdlet has ended already.
    private readonly CancellationTokenSource stop = new();
    private readonly PipelinePump pump;
    private readonly HashSet<string> warned = [];

    protected EngineCmdlet()
    {
        pump = new PipelinePump(this, stop);
        Logger = new PipelineLogger(pump, WriteWarningOnce);
    }

    /// <summary>For the engine's options.</summary>
    private protected ILogger Logger { get; }

    /// <summary>Cancelled when the pipeline is stopped; for work that goes on between two inputs.</summary>
    private protected CancellationToken Stopped => stop.Token;

    /// <summary>For the engine's options.</summary>
    /// <param name="activity">What the progress display says is being done.</param>
    private protected IProgress<TransferProgress> ProgressOf(string activity)
    {
        pump.Progress.Activity = activity;
        return new ShardNews(pump);
    }

    /// <summary>For engine options with a progress of their own kind, which comes a few times a second.</summary>
    private protected IProgress<T> ProgressOf<T>(Func<T, ProgressRecord> record) => new RecordNews<T>(pump, record);

    /// <summary>Waits for the engine, on the pipeline's thread.</summary>
    private protected T Await<T>(Func<CancellationToken, Task<T>> work) => pump.Run(work);

    /// <summary>Waits for the engine and writes each object as soon as there is one.</summary>
    private protected void WriteEach<T>(Func<CancellationToken, IAsyncEnumerable<T>> work, Action<T> write) => pump.Run(async cancel =>
    {
        await foreach (var item in work(cancel).WithCancellation(cancel).ConfigureAwait(false))
        {
            pump.Post(_ => write(item));
        }

        return true;
    });

    /// <summary>Lets the engine's threads hand over objects while it is waited for; each is written as soon as there is one.</summary>
    private protected Action<T> Posted<T>(Action<T> write) => item => pump.Post(_ => write(item));

    /// <inheritdoc/>
    protected sealed override void ProcessRecord()
    {
        try
        {
            ProcessInput();
        }
        catch (InfluxBackupException error)
        {
            WriteOrThrow(error);
        }
    }

    /// <summary>Handles one object of the pipeline, or the parameters alone.</summary>
    private protected abstract void ProcessInput();

    /// <summary>Whether after this error no other input can be handled either.</summary>
    private protected virtual bool IsTerminating(InfluxBackupException error) =>
        error.Kind is ErrorKind.Connection or ErrorKind.Security or ErrorKind.InvalidArgument;

    private protected virtual void WriteOrThrow(InfluxBackupException error)
    {
        if (IsTerminating(error))
        {
            ThrowTerminatingError(error.ToErrorRecord());
        }

        WriteError(error.ToErrorRecord());
    }

    /// <summary>One error record for each shard that failed. The object that tells of the others has been written before.</summary>
    private protected void WriteShardErrors(IEnumerable<ShardResult> shards)
    {
        foreach (var shard in shards.Where(s => s.Error is not null))
        {
            WriteError(shard.Error!.ToErrorRecord(shard));
        }
    }

    private protected void WriteWarnings(IEnumerable<string> warnings)
    {
        foreach (var warning in warnings)
        {
            WriteWarningOnce(warning);
        }
    }

    /// <summary>
    /// A plan, the log and a result may each tell of the same. A stopped pipeline takes nothing more, and yet the user has to know
    /// what a restore leaves behind: the host says it then.
    /// </summary>
    private void WriteWarningOnce(string warning)
    {
        if (!warned.Add(warning))
        {
            return;
        }

        if (Stopping)
        {
            Host.UI.WriteWarningLine(warning);
        }
        else
        {
            WriteWarning(warning);
        }
    }

    /// <summary>
    /// Asks, or tells what would be done, by the rules of <c>-Confirm</c> and <c>-WhatIf</c>. What <c>-WhatIf</c> shows is the plan
    /// itself: as a sentence, and as an object with every shard.
    /// </summary>
    private protected bool Approve(string sentence, object plan) => Approve(sentence, () => plan);

    /// <summary>The same where the plan takes time to make and is of use for <c>-WhatIf</c> alone.</summary>
    private protected bool Approve(string sentence, Func<object> plan)
    {
        if (ShouldProcess(sentence, sentence + "?", MyInvocation.MyCommand.Name, out var reason))
        {
            return true;
        }

        if (reason == ShouldProcessReason.WhatIf)
        {
            WriteObject(plan());
        }

        return false;
    }

    /// <inheritdoc/>
    protected override void StopProcessing() => stop.Cancel();

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            pump.Dispose();
        }
    }

    private sealed class RecordNews<T>(PipelinePump pump, Func<T, ProgressRecord> record) : IProgress<T>
    {
        public void Report(T value) => pump.Post(cmdlet => cmdlet.WriteProgress(record(value)));
    }

    /// <summary>Passes reports to the display, and tells on the information stream how each shard ended.</summary>
    private sealed class ShardNews(PipelinePump pump) : IProgress<TransferProgress>
    {
        public void Report(TransferProgress value)
        {
            pump.Progress.Report(value);
            if (value.Result is { } result)
            {
                var text = ShardSummary.Of(result);
                pump.Post(cmdlet => cmdlet.WriteInformation(text, InformationTags));
            }
        }
    }
}
