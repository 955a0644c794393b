using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Snapshotter;

/// <summary>
/// One shard on its way to one of its owners, over all attempts. Errors are kept, not thrown: what one owner refuses is no reason to break off
/// the others.
/// </summary>
internal sealed class OwnerDelivery(LiveNode node, ShardKey target, ILogger logger)
{
    private const int Looks = 6;
    private static readonly TimeSpan LookDelay = TimeSpan.FromMilliseconds(100);

    private readonly ShardLook look = new(node.Client, node.Http, logger);
    private ShardUpload? upload;
    private bool mayAddToFiles;
    private bool wasSent;

    public LiveNode Node => node;

    /// <summary>The owner holds the shard's files, and was looked at.</summary>
    public bool IsDone { get; private set; }

    /// <summary>It held them before anything was sent.</summary>
    public bool WasThere { get; private set; }

    /// <summary>This attempt sends to the owner. Not to one whose shard has files: those are compared at the end.</summary>
    public bool Sends { get; private set; }

    /// <summary>Why the owner does not hold the shard; null while it may.</summary>
    public InfluxBackupException? Error { get; private set; }

    /// <summary>Bytes that it took.</summary>
    public long Bytes { get; private set; }

    /// <summary>Whether another attempt may succeed.</summary>
    public bool IsWorthRetrying => !IsDone && Error is { IsTransient: true } && node.Absence is null && !node.IsGivenUp;

    /// <summary>
    /// Begins an attempt: makes the shard exist, and looks whether it is empty. Clients write into a database as soon as there is one, and a file
    /// that the server has made of that would be replaced by one of the same name.
    /// </summary>
    /// <param name="isFresh">Whether no earlier run or attempt can have left files.</param>
    /// <param name="expected">The files of the shard where an earlier attempt has seen them.</param>
    public async Task BeginAsync(bool isFresh, IReadOnlyDictionary<string, long>? expected, CancellationToken cancel)
    {
        Error = node.Absence;
        Sends = Error is null;
        await TryAsync(async () =>
        {
            if (Error is not null)
            {
                return;
            }

            if (node.MakeShardAsync is { } make)
            {
                await make(target, cancel).ConfigureAwait(false);
            }

            if (mayAddToFiles || await look.IsEmptyAsync(target, isFresh, cancel).ConfigureAwait(false))
            {
                return;
            }

            Sends = false;
            if (expected is not null)
            {
                await CompareAsync(expected, cancel).ConfigureAwait(false);
            }
        }).ConfigureAwait(false);
        Sends &= Error is null;
    }

    /// <summary>Sends the next bytes of the tar stream. After an error nothing more is sent in this attempt.</summary>
    public Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel) => TryAsync(async () =>
    {
        upload ??= await node.Client.BeginUploadAsync(target.Id, cancel).ConfigureAwait(false);
        await upload.WriteAsync(bytes, cancel).ConfigureAwait(false);
    });

    /// <summary>Ends the upload and waits until the owner has opened the shard again.</summary>
    public Task CompleteAsync(CancellationToken cancel) => TryAsync(async () =>
    {
        // A shard without files is there already.
        if (upload is not null)
        {
            wasSent = true;
            await upload.CompleteAsync(cancel).ConfigureAwait(false);
            Bytes = upload.Sent;
        }
    });

    /// <summary>Lets go of the connection; an upload that was not completed is reset, which frees the shard.</summary>
    public async Task ReleaseAsync()
    {
        if (upload is not null)
        {
            await upload.DisposeAsync().ConfigureAwait(false);
            upload = null;
        }
    }

    /// <summary>Looks whether the owner holds the files.</summary>
    public Task VerifyAsync(ShardKey shard, IReadOnlyDictionary<string, long> expected, CancellationToken cancel) => TryAsync(async () =>
    {
        if (!Sends)
        {
            await CompareAsync(expected, cancel).ConfigureAwait(false);
            return;
        }

        for (var looked = 1; !await look.HoldsAsync(target, expected, cancel).ConfigureAwait(false); looked++)
        {
            if (looked == Looks)
            {
                throw new InfluxBackupException(
                    "ShardUploadLost", ErrorKind.InvalidData, $"Data node {node.Client.Address} took the upload of {shard} without complaint, but its {target} does not hold the files.")
                {
                    Subject = shard.ToString(),
                    Remedy = "Its log has the reason, in lines with service=snapshot or about this shard.",
                    IsTransient = true,
                };
            }

            logger.LogDebug("{Target} on {Node} does not show the files yet; looking again.", target, node);
            await Task.Delay(LookDelay * looked, cancel).ConfigureAwait(false);
        }

        Finish();
    });

    private async Task CompareAsync(IReadOnlyDictionary<string, long> expected, CancellationToken cancel)
    {
        switch (await look.CompareAsync(target, expected, wasSent, cancel).ConfigureAwait(false))
        {
            case ShardHolding.Everything:
                WasThere = true;
                Finish();
                break;
            case ShardHolding.Less:
                // The node stopped while it gave the files their names. They may be sent again, under the same names.
                mayAddToFiles = true;
                throw new InfluxBackupException(
                    "ShardUploadIncomplete", ErrorKind.InvalidData, $"{target} on data node {node.Client.Address} holds only some of its files from an earlier attempt.")
                {
                    Subject = target.ToString(),
                    IsTransient = true,
                };
            default:
                throw new InfluxBackupException(
                    "ShardHoldsOtherFiles", ErrorKind.Exists, $"{target} on data node {node.Client.Address} holds other files than those of this backup; it was left as it is.")
                {
                    Subject = target.ToString(),
                    Remedy = "Somebody has written into the database since it was created, or the server has compacted what an earlier run sent. Add this shard of the backup to what is there with -Merge and -ShardId (--merge, --shard-id), which does no harm to points that are there already, or restore under another name.",
                };
        }
    }

    private void Finish()
    {
        IsDone = true;
        Error = null;
        node.IsGivenUp = false;
    }

    private async Task TryAsync(Func<Task> step)
    {
        if (IsDone)
        {
            return;
        }

        try
        {
            await step().ConfigureAwait(false);
        }
        catch (InfluxBackupException e)
        {
            Error = e;
            await ReleaseAsync().ConfigureAwait(false);
        }
    }
}
