using InfluxBackup.Metadata;

namespace InfluxBackup.DataDirectory;

/// <summary>
/// The directories of a stopped server: <c>data/db/rp/id</c>, <c>wal/db/rp/id</c> and <c>meta/meta.db</c>. A server keeps them
/// where its configuration says, <c>[data] dir</c>, <c>[data] wal-dir</c> and <c>[meta] dir</c>.
/// <code>
/// var directories = ServerDirectories.Open("/var/lib/influxdb/data", "/var/lib/influxdb/wal");
/// foreach (var shard in directories.ReadShards(selection, cancel).Shards) …
/// </code>
/// </summary>
public sealed class ServerDirectories
{
    private const string MetadataFile = "meta.db";

    private ServerDirectories(string? data, string? wal, ServerMetadata? metadata)
    {
        DataPath = data;
        WalPath = wal;
        Metadata = metadata;
    }

    /// <summary>Full path of the data directory; null when it was not given.</summary>
    public string? DataPath { get; }

    /// <summary>Full path of the WAL directory; null when it was not given.</summary>
    public string? WalPath { get; }

    /// <summary>What <c>meta.db</c> says; null when it was not given.</summary>
    public ServerMetadata? Metadata { get; }

    /// <summary>Looks that the directories are there and reads the metadata; shards are listed by <see cref="ReadShards"/>.</summary>
    /// <param name="dataDirectory">The directory with the TSM files, for instance <c>/var/lib/influxdb/data</c>.</param>
    /// <param name="walDirectory">The directory with the write-ahead log. Without it the newest points are missing.</param>
    /// <param name="metaDirectory">The directory with <c>meta.db</c>, or that file: tells times of shards, and which are deleted.</param>
    /// <exception cref="InfluxBackupException">One of them is not there, or none was given.</exception>
    public static ServerDirectories Open(string? dataDirectory, string? walDirectory, string? metaDirectory = null)
    {
        if (dataDirectory is null && walDirectory is null)
        {
            throw new InfluxBackupException("DirectoryRequired", ErrorKind.InvalidArgument, "Neither a data directory nor a WAL directory was given.")
            {
                Remedy = "Name them, for instance /var/lib/influxdb/data and /var/lib/influxdb/wal.",
            };
        }

        return new ServerDirectories(
            FullPath(dataDirectory, "data directory"), FullPath(walDirectory, "WAL directory"), ReadMetadata(metaDirectory));
    }

    /// <summary>
    /// Lists the shards with their files. With metadata, only shards that they know and that are not deleted: a query sees no
    /// others. Without, all that have a directory; their times are not known, so that a time range leaves out none of them.
    /// </summary>
    /// <exception cref="InfluxBackupException">
    /// Something chosen does not exist, a directory can't be read, or it is not what it was given as.
    /// </exception>
    public ShardListing ReadShards(ShardSelection? selection = null, CancellationToken cancel = default)
    {
        selection ??= ShardSelection.Everything;
        var warnings = new List<string>();
        var found = FindShards(warnings, cancel);
        var known = found.Keys.Select(Describe).OfType<ShardDescription>().ToList();
        (selection with { ShardIds = [] }).Validate(Catalog(found.Keys), Subject);

        var chosen = known.Where(s => !s.IsDeleted && selection.Matches(s)).ToList();
        if (selection.ShardIds.Except(chosen.Select(s => s.Key.Id)).Any())
        {
            selection.Validate(Catalog(found.Keys), Subject);
        }

        WarnOfDifferences(found.Keys, selection, warnings);
        var shards = new List<ShardFiles>();
        foreach (var shard in chosen)
        {
            cancel.ThrowIfCancellationRequested();
            var directory = new ShardDirectory(shard.Key);
            var (data, wal) = found[shard.Key];
            if (data is not null)
            {
                directory.ReadData(data);
            }

            if (wal is not null)
            {
                directory.ReadWal(wal);
            }

            shards.Add(directory.Finish(Metadata is null ? null : shard, warnings));
        }

        return new ShardListing(shards, warnings);
    }

    /// <summary>A sentence about a server that seems to run on these directories; null where none is found. See <see cref="RunningServer"/>.</summary>
    public string? FindRunningServer(CancellationToken cancel) => RunningServer.Find([DataPath, WalPath], cancel);

    /// <summary>The directories, as messages name them.</summary>
    private string Subject => DataPath is null ? $"WAL directory '{WalPath}'" : $"data directory '{DataPath}'";

    private SortedDictionary<ShardKey, (string? Data, string? Wal)> FindShards(List<string> warnings, CancellationToken cancel)
    {
        var found = new SortedDictionary<ShardKey, (string? Data, string? Wal)>();
        foreach (var (key, path) in new ShardFinder(DataPath, "data directory", warnings).Find(cancel))
        {
            found[key] = (path, null);
        }

        foreach (var (key, path) in new ShardFinder(WalPath, "WAL directory", warnings).Find(cancel))
        {
            found[key] = (found.GetValueOrDefault(key).Data, path);
        }

        return found;
    }

    /// <summary>What the metadata say about a shard; null if they don't know it. Without metadata it may be of any time.</summary>
    private ShardDescription? Describe(ShardKey key) => Metadata is null
        ? new ShardDescription(key, long.MinValue, long.MaxValue, IsDeleted: false, Owners: [])
        : Metadata.FindShard(key.Id) is { } shard && shard.Key == key ? shard : null;

    /// <summary>The names that a selection is held against: those of the metadata, or without them those of the directories.</summary>
    private ServerMetadata Catalog(IEnumerable<ShardKey> found)
    {
        if (Metadata is not null)
        {
            return Metadata;
        }

        var data = new Data();
        foreach (var database in found.GroupBy(k => k.Database))
        {
            var info = new DatabaseInfo { Name = database.Key };
            foreach (var policy in database.GroupBy(k => k.RetentionPolicy))
            {
                info.RetentionPolicies.Add(new RetentionPolicyInfo
                {
                    Name = policy.Key,
                    ShardGroups = { policy.Select(k => new ShardGroupInfo { StartTime = long.MinValue, EndTime = long.MaxValue, Shards = { new ShardInfo { ID = k.Id } } }) },
                });
            }

            data.Databases.Add(info);
        }

        return new ServerMetadata(data);
    }

    private void WarnOfDifferences(SortedDictionary<ShardKey, (string?, string?)>.KeyCollection found, ShardSelection selection, List<string> warnings)
    {
        if (found.Count == 0)
        {
            warnings.Add($"There are no shards in {Subject}.");
        }

        if (Metadata is null)
        {
            return;
        }

        foreach (var key in found.Where(k => Describe(k) is null && (selection.Databases.Count == 0 || selection.Databases.Contains(k.Database))))
        {
            warnings.Add($"{Capital(key)} has a directory but is not in the metadata, so that no query sees it: it is left out. Without the metadata it is read.");
        }

        // A server makes the directories with the shard: one that has none is lost, or lies elsewhere.
        foreach (var shard in Metadata.Shards.Where(s => !s.IsDeleted && selection.Matches(s) && !found.Contains(s.Key)))
        {
            warnings.Add($"{Capital(shard.Key)} is in the metadata but has no directory: its points, if it had any, are missing.");
        }
    }

    private static string Capital(ShardKey key) => string.Concat("S", key.ToString().AsSpan(1));

    private static ServerMetadata? ReadMetadata(string? path)
    {
        if (path is null)
        {
            return null;
        }

        var file = Directory.Exists(path) ? Path.Combine(path, MetadataFile) : path;
        try
        {
            return ServerMetadata.Parse(File.ReadAllBytes(file), $"'{file}'");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InfluxBackupException("DirectoryNotFound", ErrorKind.NotFound, $"There is no '{MetadataFile}' in the meta directory '{path}'.", e)
            {
                Subject = path,
                Remedy = "Give the directory that holds meta.db, for instance /var/lib/influxdb/meta.",
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InfluxBackupException("PathNotReadable", ErrorKind.Read, $"'{file}' could not be read: {e.Message}", e)
            {
                Subject = file,
                Remedy = "Run as the user whom the server runs as, commonly 'influxdb', or as root.",
            };
        }
    }

    private static string? FullPath(string? path, string what)
    {
        if (path is null)
        {
            return null;
        }

        if (path.Length == 0 || !Directory.Exists(path))
        {
            var isFile = File.Exists(path);
            throw new InfluxBackupException("DirectoryNotFound", ErrorKind.NotFound, isFile ? $"The {what} '{path}' is a file." : $"The {what} '{path}' does not exist.")
            {
                Subject = path,
                Remedy = "The server's configuration names its directories; /var/lib/influxdb/data and /var/lib/influxdb/wal are common.",
            };
        }

        return Path.GetFullPath(path);
    }
}
