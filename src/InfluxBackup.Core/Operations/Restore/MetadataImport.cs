using Google.Protobuf;
using InfluxBackup.Metadata;
using InfluxBackup.Snapshotter;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>
/// Creates databases on a running server by a metadata import, and looks at the server's metadata afterwards instead of
/// trusting its answer: an empty answer stands for success and for every failure, servers before 1.8.8 lose parts of larger
/// uploads, and imports race with whatever else changes the metadata.
/// </summary>
/// <param name="client">The server.</param>
/// <param name="isResumed">Databases that an earlier run has created may be there; they are taken as they are.</param>
/// <param name="created">Takes what was created, in words.</param>
/// <param name="logger">Takes what happens on the way.</param>
internal sealed class MetadataImport(SnapshotterClient client, bool isResumed, ICollection<string> created, ILogger logger)
{
    private const int Attempts = 5;
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(200);

    private readonly string host = $"data node {client.Address}";

    /// <summary>What an import did.</summary>
    /// <param name="Targets">Each uploaded shard id and the shard's name on the server.</param>
    /// <param name="Warnings">What became of other databases meanwhile.</param>
    public sealed record Result(IReadOnlyDictionary<ulong, ShardKey> Targets, IReadOnlyList<string> Warnings);

    /// <summary>Imports all databases of <paramref name="wanted"/> in one call; one call each where a server can't take them together.</summary>
    /// <exception cref="InfluxBackupException">A database exists, or the server does not create what it was sent.</exception>
    public async Task<Result> RunAsync(Data wanted, CancellationToken cancel)
    {
        if (wanted.Databases.Count == 0)
        {
            return new Result(new Dictionary<ulong, ShardKey>(), []);
        }

        using var held = await MetadataImportLock.TakeAsync(client.Address, cancel).ConfigureAwait(false);
        var before = await ReadAsync(cancel).ConfigureAwait(false);
        var there = wanted.Databases.Where(d => before.FindDatabase(d.Name) is not null).ToList();
        if (there.Count > 0 && !isResumed)
        {
            throw RestoreErrors.DatabaseExists(there[0].Name, host);
        }

        // What does not fit is said before anything is added.
        _ = MapShards(there, before);
        var missing = Only(wanted, wanted.Databases.Except(there));
        if (missing.Databases.Count > 0)
        {
            await ImportAsync(missing, cancel).ConfigureAwait(false);
        }

        var after = await ReadAsync(cancel).ConfigureAwait(false);
        return new Result(MapShards(wanted.Databases, after), CompareOthers(wanted, before, after));
    }

    private async Task ImportAsync(Data wanted, CancellationToken cancel)
    {
        if (await TryImportAsync(wanted, cancel).ConfigureAwait(false))
        {
            return;
        }

        var single = wanted.Databases.Count > 1 ? wanted.Databases.Select(d => Only(wanted, [d])).ToList() : [];
        foreach (var one in single)
        {
            if (!await TryImportAsync(one, cancel).ConfigureAwait(false))
            {
                throw Refused(one, single.TakeWhile(s => s != one).SelectMany(s => s.Databases).Select(d => d.Name).ToList());
            }
        }

        if (single.Count == 0)
        {
            throw Refused(wanted, []);
        }
    }

    /// <summary>True once all databases are there. False when the server has done nothing, so another way may be tried.</summary>
    private async Task<bool> TryImportAsync(Data wanted, CancellationToken cancel)
    {
        var bytes = wanted.ToByteArray();
        var delay = FirstDelay;
        for (var attempt = 1; attempt <= Attempts; attempt++, delay *= 2)
        {
            try
            {
                var only = wanted.Databases.Count == 1 ? wanted.Databases[0].Name : null;
                _ = await client.ImportMetadataAsync(bytes, only, cancel).ConfigureAwait(false);
            }
            catch (InfluxBackupException e) when (e.Kind == ErrorKind.Connection && e.Id != "DataNodeUnreachable")
            {
                // The import may have been done all the same: the look at the metadata tells.
                logger.LogDebug("{Message}", e.Message);
            }
            catch (OperationCanceledException)
            {
                created.Add($"perhaps database{(wanted.Databases.Count > 1 ? "s" : "")} {string.Join(", ", wanted.Databases.Select(d => $"'{d.Name}'"))}");
                throw;
            }

            var there = await ReadAsync(cancel).ConfigureAwait(false);
            var done = wanted.Databases.Where(d => there.FindDatabase(d.Name) is not null).ToList();
            foreach (var database in done)
            {
                created.Add($"database '{database.Name}'");
            }

            if (done.Count == wanted.Databases.Count)
            {
                return true;
            }

            if (done.Count > 0)
            {
                throw new InfluxBackupException(
                    "MetadataImportIncomplete", ErrorKind.InvalidData, $"{Capital(host)} created {done.Count} of the {wanted.Databases.Count} databases of the restore; something else changed its metadata at the same time.")
                {
                    Subject = client.Address.ToString(),
                    Remedy = $"Drop those of them that are there ({string.Join(", ", wanted.Databases.Select(d => d.Name))}) and restore again while nobody creates databases.",
                };
            }

            logger.LogWarning("{Host} did not take the metadata ({Bytes} bytes) at attempt {Attempt} of {Attempts}.", Capital(host), bytes.Length, attempt, Attempts);
            await Task.Delay(delay, cancel).ConfigureAwait(false);
        }

        return false;
    }

    /// <summary>
    /// The shards' ids on the server, found by where they are: same database, policy, time range of the group and place in it.
    /// </summary>
    private Dictionary<ulong, ShardKey> MapShards(IEnumerable<DatabaseInfo> wanted, ServerMetadata after)
    {
        var map = new Dictionary<ulong, ShardKey>();
        foreach (var database in wanted)
        {
            var created = after.FindDatabase(database.Name) ?? throw Vanished(database.Name, "the database itself");
            foreach (var policy in database.RetentionPolicies)
            {
                var groups = created.RetentionPolicies.FirstOrDefault(p => p.Name == policy.Name)?.ShardGroups.ToList() ?? throw Vanished(database.Name, $"retention policy '{policy.Name}'");
                foreach (var group in policy.ShardGroups)
                {
                    var match = groups.FirstOrDefault(g => g.StartTime == group.StartTime && g.EndTime == group.EndTime && g.Shards.Count == group.Shards.Count)
                        ?? throw Vanished(database.Name, $"the shard group of '{policy.Name}' from {ShardTime.ToDateTime(group.StartTime):yyyy-MM-dd HH:mm:ss}");
                    groups.Remove(match);
                    foreach (var (uploaded, given) in group.Shards.Zip(match.Shards))
                    {
                        map[uploaded.ID] = new ShardKey(database.Name, policy.Name, given.ID);
                    }
                }
            }
        }

        return map;
    }

    /// <summary>Says what happened to other databases while the server replaced its metadata by ours and theirs.</summary>
    private List<string> CompareOthers(Data wanted, ServerMetadata before, ServerMetadata after)
    {
        var warnings = new List<string>();
        foreach (var database in before.Databases.Where(d => wanted.Databases.All(w => w.Name != d.Name)))
        {
            var now = after.FindDatabase(database.Name);
            if (now is null)
            {
                warnings.Add($"Database '{database.Name}' was on {host} before the metadata import and is not any more. If nobody dropped it, the import collided with another change.");
                continue;
            }

            var groups = now.RetentionPolicies.SelectMany(p => p.ShardGroups).Select(g => g.ID).ToHashSet();
            var lost = database.RetentionPolicies.SelectMany(p => p.ShardGroups).Where(g => g.DeletedAt == 0 && !groups.Contains(g.ID)).Select(g => g.ID).ToList();
            if (lost.Count > 0)
            {
                warnings.Add($"Shard groups {string.Join(", ", lost)} of database '{database.Name}' vanished on {host} during the metadata import. If nobody dropped them, the import collided with another change.");
            }
        }

        if (after.ShardIdsGivenTwice.Count > 0)
        {
            warnings.Add($"Shard ids {string.Join(", ", after.ShardIdsGivenTwice)} exist twice on {host}: two imports ran at once.");
        }

        return warnings;
    }

    private async Task<ServerMetadata> ReadAsync(CancellationToken cancel) =>
        ServerMetadata.Parse((await client.ReadMetastoreAsync(cancel).ConfigureAwait(false)).Metadata, host);

    private static Data Only(Data all, IEnumerable<DatabaseInfo> databases)
    {
        var some = all.Clone();
        some.Databases.Clear();
        some.Databases.Add(databases.Select(d => d.Clone()));
        return some;
    }

    private InfluxBackupException Refused(Data wanted, List<string> created) =>
        new("MetadataRefused", ErrorKind.InvalidData, $"{Capital(host)} did not create the database {string.Join(", ", wanted.Databases.Select(d => $"'{d.Name}'"))} in {Attempts} attempts; {(created.Count == 0 ? "nothing was changed" : $"it did create {string.Join(", ", created)}, which should be dropped before the next try")}.")
        {
            Subject = client.Address.ToString(),
            Remedy = $"Its log has lines with service=snapshot. Servers before 1.8.8 fail on large metadata (these have {wanted.CalculateSize()} bytes): restore fewer databases, policies or shards at a time. A cluster can't be restored this way.",
        };

    private InfluxBackupException Vanished(string database, string what) => isResumed
        ? RestoreErrors.NotOfThisRestore(database, host, $"it lacks {what}")
        : new InfluxBackupException("MetadataImportLost", ErrorKind.InvalidData, $"{Capital(host)} confirmed the import of '{database}', but {what} is not in its metadata: something else changed them at the same time.")
        {
            Subject = client.Address.ToString(),
            Remedy = "Drop what the restore created and restore again while nobody creates databases and no writes open new shard groups.",
        };

    private static string Capital(string text) => string.Concat(char.ToUpperInvariant(text[0]).ToString(), text.AsSpan(1));
}
