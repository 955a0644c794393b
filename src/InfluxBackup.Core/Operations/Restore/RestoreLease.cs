using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using InfluxBackup.BackupSets;
using InfluxBackup.Cluster;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>
/// Lets one restore at a time work on a database of a cluster. On one machine a locked file sees to that, whose lock ends with the process;
/// between machines a lease at the meta nodes, which is renewed as long as the restore runs and ends a minute later. The file holds the
/// number that the lease is held under, so that a restore that goes on where a killed one ended need not wait for the lease's end.
/// </summary>
internal sealed class RestoreLease : IAsyncDisposable
{
    private static readonly TimeSpan RenewalInterval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2);

    /// <summary>A lease that nobody renews has ended by then.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(75);

    private readonly MetaNodeClient meta;
    private readonly ILogger logger;
    private readonly List<Claim> claims = [];
    private readonly CancellationTokenSource lost;
    private readonly CancellationTokenSource ended = new();
    private Task renewal = Task.CompletedTask;

    private RestoreLease(MetaNodeClient meta, CancellationTokenSource lost, ILogger logger)
    {
        this.meta = meta;
        this.lost = lost;
        this.logger = logger;
    }

    /// <summary>Takes the leases of all databases.</summary>
    /// <param name="meta">The meta nodes.</param>
    /// <param name="clusterId">Which cluster it is.</param>
    /// <param name="databases">Their names at the target.</param>
    /// <param name="waits">Whether to wait for the end of a lease that nobody may hold any more.</param>
    /// <param name="lost">Cancelled when another restore has got the lease, which can happen while the meta nodes change their leader.</param>
    /// <exception cref="InfluxBackupException">Another restore has one.</exception>
    public static async Task<RestoreLease> TakeAsync(
        MetaNodeClient meta, ulong clusterId, IEnumerable<string> databases, bool waits, CancellationTokenSource lost, ILogger logger, CancellationToken cancel)
    {
        var lease = new RestoreLease(meta, lost, logger);
        try
        {
            foreach (var database in databases.Order(StringComparer.Ordinal))
            {
                var claim = Claim.Take(clusterId, database, meta.Name);
                lease.claims.Add(claim);
                await lease.TakeAsync(claim, waits, cancel).ConfigureAwait(false);
            }

            lease.renewal = Task.Run(lease.RenewAsync, CancellationToken.None);
            return lease;
        }
        catch
        {
            await lease.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ended.CancelAsync().ConfigureAwait(false);
        await renewal.ConfigureAwait(false);
        claims.ForEach(c => c.Dispose());
        ended.Dispose();
    }

    private async Task TakeAsync(Claim claim, bool waits, CancellationToken cancel)
    {
        var deadline = DateTime.UtcNow + Patience;
        var isWaiting = false;
        while (!await meta.TryTakeLeaseAsync(claim.LeaseName, claim.Number, cancel).ConfigureAwait(false))
        {
            if (!waits || DateTime.UtcNow > deadline)
            {
                throw InProgress(claim.Database, meta.Name, null);
            }

            if (!isWaiting)
            {
                isWaiting = true;
                logger.LogWarning("Another restore of '{Database}' is running, or ended less than a minute ago. Waiting for its end.", claim.Database);
            }

            await Task.Delay(LookInterval, cancel).ConfigureAwait(false);
        }
    }

    private async Task RenewAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(RenewalInterval, ended.Token).ConfigureAwait(false);
                foreach (var claim in claims)
                {
                    try
                    {
                        if (!await meta.TryTakeLeaseAsync(claim.LeaseName, claim.Number, ended.Token).ConfigureAwait(false))
                        {
                            logger.LogError("Another restore of '{Database}' to {Cluster} has begun.", claim.Database, meta.Name);
                            await lost.CancelAsync().ConfigureAwait(false);
                            return;
                        }
                    }
                    catch (InfluxBackupException e)
                    {
                        // While no meta node answers nobody else gets the lease either.
                        logger.LogDebug("The lease of '{Database}' could not be renewed: {Message}", claim.Database, e.Message);
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The restore has ended.
        }
    }

    private static InfluxBackupException InProgress(string database, string target, Exception? inner) =>
        new("RestoreInProgress", ErrorKind.Busy, $"Another restore of database '{database}' to {target} is running, or has ended less than a minute ago.", inner)
        {
            Subject = database,
            Remedy = "Wait for it, or restore under another name.",
        };

    /// <summary>A database's locked file, and the number in it. The file stays: the next restore from here gets the lease again at once.</summary>
    private sealed class Claim : IDisposable
    {
        private readonly FileStream file;

        private Claim(string database, FileStream file, ulong number)
        {
            Database = database;
            this.file = file;
            Number = number;
        }

        public string Database { get; }

        public string LeaseName => $"influxbackup-restore/{Database}";

        public ulong Number { get; }

        public static Claim Take(ulong clusterId, string database, string target)
        {
            var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{clusterId}/{database}"));
            var path = Path.Combine(Path.GetTempPath(), $"influxbackup-restore-{Convert.ToHexString(hash.AsSpan(0, 8)).ToLowerInvariant()}.lock");
            try
            {
                var file = Open(path);
                return new Claim(database, file, ReadNumber(file));
            }
            catch (IOException e) when (LocalFile.IsLockHeld(e))
            {
                throw InProgress(database, target, e);
            }
            catch (Exception e) when (LocalFile.IsFileError(e))
            {
                throw LocalFile.WriteFailed(path, e);
            }
        }

        public void Dispose() => file.Dispose();

        /// <summary>A file that another user made can still be opened for reading, and locked.</summary>
        private static FileStream Open(string path)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (UnauthorizedAccessException)
            {
                return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None);
            }
        }

        private static ulong ReadNumber(FileStream file)
        {
            var number = new byte[sizeof(ulong)];
            if (file.ReadAtLeast(number, number.Length, throwOnEndOfStream: false) < number.Length)
            {
                RandomNumberGenerator.Fill(number);
                file.Position = 0;
                file.Write(number);
                file.Flush();
            }

            return BinaryPrimitives.ReadUInt64LittleEndian(number);
        }
    }
}
