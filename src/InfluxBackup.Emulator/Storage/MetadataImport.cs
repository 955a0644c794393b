using InfluxBackup.Metadata;

namespace InfluxBackup.Emulator;

/// <summary>
/// What a server makes of another node's metadata (influxdb, services/meta/data.go, ImportData): databases are copied under
/// their own or a new name, users and continuous queries are left behind, and groups and shards get new ids in the order
/// in which they are listed.
/// </summary>
internal sealed class MetadataImport(Data target, Data source)
{
    private const int LongestName = 255;
    private readonly List<DatabaseInfo> imported = [];

    /// <summary>Shard id in the source to shard id in the target; of an id that is in the source twice the last counts.</summary>
    public Dictionary<ulong, ulong> ShardIds { get; } = [];

    /// <summary>The databases as they were added to the target.</summary>
    public IReadOnlyList<DatabaseInfo> Databases => imported;

    /// <summary>Adds the databases to the target.</summary>
    /// <exception cref="MetadataImportException">A rule forbids it; the target may hold part of the import by then.</exception>
    public void Run(string database, string newDatabase, string policy, string newPolicy)
    {
        if (database.Length > 0)
        {
            ImportDatabase(database, newDatabase, policy, newPolicy);
            return;
        }

        // All of them under their own names; the other three names are not looked at.
        foreach (var name in source.Databases.Select(d => d.Name).Where(n => n != "_internal").ToList())
        {
            ImportDatabase(name, "", "", "");
        }
    }

    private void ImportDatabase(string name, string newName, string policy, string newPolicy)
    {
        var from = source.Databases.FirstOrDefault(d => d.Name == name)
            ?? throw new MetadataImportException($"imported metadata does not have datbase named {name}"); // The server's spelling.
        newName = newName.Length == 0 ? name : newName;
        if (target.Databases.Any(d => d.Name == newName))
        {
            throw new MetadataImportException("database already exists");
        }

        // Only the length is checked here: a name that CREATE DATABASE would refuse gets through.
        if (System.Text.Encoding.UTF8.GetByteCount(newName) > LongestName)
        {
            throw new MetadataImportException("name too long");
        }

        var to = new DatabaseInfo { Name = newName, DefaultRetentionPolicy = "" };
        if (policy.Length > 0)
        {
            var copy = from.RetentionPolicies.FirstOrDefault(p => p.Name == policy)?.Clone()
                ?? throw new MetadataImportException($"retention Policy not found in meta backup: {name}.{policy}");
            copy.Name = newPolicy.Length == 0 ? policy : newPolicy;
            to.DefaultRetentionPolicy = copy.Name;
            to.RetentionPolicies.Add(copy);
        }
        else
        {
            to.DefaultRetentionPolicy = from.DefaultRetentionPolicy;
            to.RetentionPolicies.Add(from.RetentionPolicies.Select(p => p.Clone()));
        }

        Renumber(to);
        target.Databases.Add(to);
        imported.Add(to);
    }

    private void Renumber(DatabaseInfo database)
    {
        foreach (var group in database.RetentionPolicies.SelectMany(p => p.ShardGroups))
        {
            group.ID = ++target.MaxShardGroupID;
            foreach (var shard in group.Shards)
            {
                ShardIds[shard.ID] = ++target.MaxShardID;
                shard.ID = target.MaxShardID;
                shard.Owners.Clear();
                shard.OwnerIDs.Clear();
            }
        }
    }
}

/// <summary>A rule of the import is broken; the message is the server's.</summary>
internal sealed class MetadataImportException(string message) : Exception(message);
