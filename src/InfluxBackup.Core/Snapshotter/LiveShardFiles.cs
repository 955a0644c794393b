using System.Security.Cryptography;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Snapshotter;

/// <summary>A TSM file of a running server.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Size">Its length in bytes.</param>
/// <param name="Sha256">Of its content; null where it was not read to its end.</param>
/// <param name="HasTombstone">Points of it were deleted, and are still in it.</param>
public sealed record LiveTsmFile(string Name, long Size, string? Sha256, bool HasTombstone = false);

/// <summary>
/// Which TSM files a shard of a running server has, with what is in them. No request asks for names alone, so the shard is read; the files come
/// in the order of their names, so what is not needed can be left unread.
/// </summary>
/// <param name="client">The data node.</param>
/// <param name="logger">Takes what happens on the way.</param>
public sealed class LiveShardFiles(SnapshotterClient client, ILogger logger)
{
    private const int Attempts = 12;
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(2);

    /// <summary>Reads the files, in the order of their names, which is that of their age.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="isLast">The first file of which this is true ends the list, and what follows is not read.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <exception cref="InfluxBackupException">The shard can't be read.</exception>
    public async Task<IReadOnlyList<LiveTsmFile>> ReadAsync(ShardKey shard, Func<string, bool>? isLast, CancellationToken cancel)
    {
        var delay = FirstDelay;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await TryReadAsync(shard, isLast, cancel).ConfigureAwait(false);
            }
            catch (InfluxBackupException e) when (e.Id == "ShardNotSent" && attempt < Attempts)
            {
                // A server sends nothing while it flushes, and while it takes an upload. Other trouble is the caller's.
                logger.LogDebug("The files of {Shard} could not be read at attempt {Attempt}: {Message}", shard, attempt, e.Message);
                await Task.Delay(delay, cancel).ConfigureAwait(false);
                delay = delay < LongestDelay ? delay * 2 : LongestDelay;
            }
        }
    }

    private async Task<IReadOnlyList<LiveTsmFile>> TryReadAsync(ShardKey shard, Func<string, bool>? isLast, CancellationToken cancel)
    {
        var content = await client.OpenShardAsync(shard.Id, null, cancel).ConfigureAwait(false);
        var stream = new ShardStream(content) { IsRepeatable = true, IsHashed = false };
        await using (stream.ConfigureAwait(false))
        {
            var subject = $"{shard} on {client.Address}";
            using var archive = new GuardedArchive(shard, stream, subject);
            using var list = new FileList(shard, isLast);
            var scanner = new TarScanner(list, subject);
            while (!list.IsComplete && await archive.ReadAsync(cancel).ConfigureAwait(false) is { IsEmpty: false } piece)
            {
                scanner.Append(piece.Span);
            }

            return list.Files;
        }
    }

    private sealed class FileList(ShardKey shard, Func<string, bool>? isLast) : ITarVisitor, IDisposable
    {
        private readonly string prefix = shard.Path + "/";
        private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private LiveTsmFile? current;
        private string tombstone = "";

        public List<LiveTsmFile> Files { get; } = [];

        public bool IsComplete { get; private set; }

        public void Begin(string name, long size, DateTime modified)
        {
            var file = name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;
            // By its name it comes before its file.
            tombstone = ShardFileName.IsTombstone(file) ? ShardFileName.TsmOf(file) : tombstone;
            current = !IsComplete && ShardFileName.IsTsm(file) ? new LiveTsmFile(file, size, null, tombstone == file) : null;
            if (current is not null && isLast?.Invoke(file) == true)
            {
                Files.Add(current);
                current = null;
                IsComplete = true;
            }
        }

        public void Data(ReadOnlySpan<byte> data)
        {
            if (current is not null)
            {
                hash.AppendData(data);
            }
        }

        public void End()
        {
            if (current is not null)
            {
                Files.Add(current with { Sha256 = Convert.ToHexString(hash.GetHashAndReset()) });
                current = null;
            }
        }

        public void Dispose() => hash.Dispose();
    }
}
