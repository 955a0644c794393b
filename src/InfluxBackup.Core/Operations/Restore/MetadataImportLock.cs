using System.Security.Cryptography;
using System.Text;
using InfluxBackup.BackupSets;
using InfluxBackup.Snapshotter;

namespace InfluxBackup.Operations;

/// <summary>
/// Lets one metadata import at a time go to a server from this machine. Imports replace the server's whole metadata without
/// looking whether they changed meanwhile; two at once lose databases and hand out the same shard ids twice.
/// </summary>
internal sealed class MetadataImportLock : IDisposable
{
    private const int Buckets = 16;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private readonly FileStream file;

    private MetadataImportLock(FileStream file) => this.file = file;

    public static async Task<MetadataImportLock> TakeAsync(DataNodeAddress address, CancellationToken cancel)
    {
        // A few files that stay, not one more for every server ever restored to.
        var bucket = SHA256.HashData(Encoding.UTF8.GetBytes(address.ToString().ToUpperInvariant()))[0] % Buckets;
        var path = Path.Combine(Path.GetTempPath(), $"influxbackup-import-{bucket}.lock");
        var deadline = DateTime.UtcNow + Patience;
        while (true)
        {
            try
            {
                return new MetadataImportLock(Open(path));
            }
            catch (IOException e) when (LocalFile.IsLockHeld(e))
            {
                if (DateTime.UtcNow > deadline)
                {
                    throw new InfluxBackupException("ImportInProgress", ErrorKind.Busy, $"Another restore has been importing metadata for more than {Patience.TotalMinutes:0} minutes, so {address} has to wait.", e)
                    {
                        Subject = address.ToString(),
                        Remedy = $"Wait for it. Its lock is '{path}'.",
                    };
                }
            }
            catch (Exception e) when (LocalFile.IsFileError(e))
            {
                throw LocalFile.WriteFailed(path, e);
            }

            await Task.Delay(Interval, cancel).ConfigureAwait(false);
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
}
