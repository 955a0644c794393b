using InfluxBackup.BackupSets;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>Keeps the checkpoint of a file up to date while it is imported, about once a second.</summary>
internal sealed class ImportJournal(string path, ImportCheckpoint identity, ILogger logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ImportPosition? saved;
    private bool isBroken;
    private Task task = Task.CompletedTask;

    /// <summary>Whether there is a checkpoint to go on from.</summary>
    public bool IsSaved => saved is not null;

    public string Path => path;

    /// <param name="watermark">Up to where everything is dealt with.</param>
    /// <param name="rejects">On the disk before the checkpoint says that their lines are dealt with.</param>
    public void Begin(ImportWatermark watermark, ImportRejects rejects) => task = Task.Run(async () =>
    {
        while (await Task.WhenAny(ended.Task, Task.Delay(Interval)).ConfigureAwait(false) != ended.Task)
        {
            Save(watermark.Position, rejects, isFinished: false);
        }
    });

    /// <summary>Stops, with a last checkpoint.</summary>
    public async Task EndAsync(ImportPosition? position, ImportRejects rejects, bool isFinished)
    {
        ended.SetResult();
        await task.ConfigureAwait(false);
        Save(position, rejects, isFinished);
    }

    private void Save(ImportPosition? position, ImportRejects rejects, bool isFinished)
    {
        if (position is null || isBroken || (position == saved && !isFinished))
        {
            return;
        }

        try
        {
            rejects.Flush();
            var checkpoint = identity with
            {
                Offset = position.Offset,
                LineNumber = position.Number,
                Database = position.Context.Database,
                RetentionPolicy = position.Context.RetentionPolicy,
                Rejected = identity.Rejected + rejects.CountBefore(position.Number),
                IsFinished = isFinished,
            };
            checkpoint.Write(path);
            saved = position;
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            // An import that can't be resumed is better than none.
            isBroken = true;
            logger.LogWarning("The checkpoint '{Path}' can't be written, so this import can't be resumed if it is stopped: {Message}", path, e.Message);
        }
    }
}
