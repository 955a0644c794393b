using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Emulator;

/// <summary>
/// The shards of a node: the directories <c>data/db/rp/id</c>. As on a server, a shard is there when its directory is, whatever
/// the metadata say.
/// </summary>
internal sealed partial class ShardStore(string dataDirectory)
{
    private readonly ConcurrentDictionary<ulong, ShardGate> gates = [];
    private readonly ConcurrentDictionary<ulong, (long Size, DateTime Modified)> logs = [];

    /// <summary>The open shard of this id; null where there is none.</summary>
    public ShardKey? Find(ulong id)
    {
        var name = id.ToString(CultureInfo.InvariantCulture);
        var found = SubDirectories(dataDirectory)
            .SelectMany(database => SubDirectories(database.FullName), (database, policy) => (database, policy))
            .FirstOrDefault(p => Directory.Exists(Path.Combine(p.policy.FullName, name)));
        var key = found.policy is null ? null : new ShardKey(found.database.Name, found.policy.Name, id);
        return key is not null && IsOpen(key) ? key : null;
    }

    /// <summary>All open shards.</summary>
    public IEnumerable<ShardKey> All() =>
        from database in SubDirectories(dataDirectory)
        from policy in SubDirectories(database.FullName)
        from shard in policy.EnumerateDirectories()
        where ulong.TryParse(shard.Name, NumberStyles.None, CultureInfo.InvariantCulture, out _)
        let key = new ShardKey(database.Name, policy.Name, ulong.Parse(shard.Name, CultureInfo.InvariantCulture))
        where IsOpen(key)
        select key;

    /// <summary>Whether the shard is there and was opened: a file name that the server can't read keeps it closed.</summary>
    public bool IsOpen(ShardKey shard)
    {
        var directory = new DirectoryInfo(DirectoryOf(shard));
        return directory.Exists && directory.EnumerateFiles("*.tsm").All(f => ReadableName().IsMatch(f.Name));
    }

    public string DirectoryOf(ShardKey shard) =>
        Path.Combine(dataDirectory, shard.Database, shard.RetentionPolicy, shard.Id.ToString(CultureInfo.InvariantCulture));

    public void Create(ShardKey shard) => Directory.CreateDirectory(DirectoryOf(shard));

    public void Delete(ShardKey shard)
    {
        if (Directory.Exists(DirectoryOf(shard)))
        {
            Directory.Delete(DirectoryOf(shard), recursive: true);
        }
    }

    /// <summary>A write without points leaves nothing but an entry in the log, which counts in the shard's size and time.</summary>
    public void AddToLog(ulong id) => logs.AddOrUpdate(id, _ => (18, DateTime.UtcNow), (_, log) => (log.Size + 6, DateTime.UtcNow));

    /// <summary>Bytes of a shard and its latest change as a node lists them: TSM files, tombstones and log; no time without any.</summary>
    public (long Size, DateTime? Modified, int TsmFiles) Measure(ShardKey shard)
    {
        var directory = new DirectoryInfo(DirectoryOf(shard));
        var files = directory.Exists ? directory.GetFiles().Where(f => ShardFileName.IsTsm(f.Name) || ShardFileName.IsTombstone(f.Name)).ToList() : [];
        var times = files.Select(f => f.LastWriteTimeUtc).ToList();
        var size = files.Sum(f => f.Length);
        if (logs.TryGetValue(shard.Id, out var log))
        {
            times.Add(log.Modified);
            size += log.Size;
        }

        return (size, times.Count == 0 ? null : times.Max(), files.Count(f => ShardFileName.IsTsm(f.Name)));
    }

    /// <summary>Who uploads into a shard holds its gate; who backs it up waits there until the upload has ended.</summary>
    public ShardGate Gate(ulong id) => gates.GetOrAdd(id, _ => new ShardGate());

    // _series is a directory of the server's index beside the policies.
    private static IEnumerable<DirectoryInfo> SubDirectories(string path) =>
        Directory.Exists(path) ? new DirectoryInfo(path).EnumerateDirectories().Where(d => d.Name != "_series") : [];

    [GeneratedRegex("^[0-9]+-[0-9]+\\.tsm$", RegexOptions.CultureInvariant)]
    private static partial Regex ReadableName();
}

/// <summary>One request at a time inside the part that an upload locks.</summary>
#pragma warning disable CA1001 // A semaphore whose wait handle is never asked for has nothing to dispose of.
internal sealed class ShardGate
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim semaphore = new(1, 1);
    private volatile int uploads;

    /// <summary>
    /// Waits without limit for an upload to end, as a server does. False when there was one to wait for: at the moment in which it
    /// ends, well or not, the shard is disabled, and who waited finds it so.
    /// </summary>
    public async Task<bool> EnterAsync(CancellationToken cancel)
    {
        var before = uploads;
        await semaphore.WaitAsync(cancel).ConfigureAwait(false);
        if (before == uploads)
        {
            return true;
        }

        semaphore.Release();
        return false;
    }

    public void Leave() => semaphore.Release();

    /// <summary>As <see cref="EnterAsync"/>, but an upload gets its turn in any case.</summary>
    public Task EnterForUploadAsync(CancellationToken cancel) => semaphore.WaitAsync(cancel);

    public void LeaveAfterUpload()
    {
        Interlocked.Increment(ref uploads);
        semaphore.Release();
    }
}
