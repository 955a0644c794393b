using InfluxBackup.Metadata;

namespace InfluxBackup.Emulator;

/// <summary>
/// What the commands of <c>/execute</c> do to the metadata. A command is <c>{1 type, 100 + type: its own message}</c>; rules and
/// texts are those of influxdb-cluster 1.8.11-c1.2.0 (services/meta, store_fsm.go and data.go). Changes metadata alone: files stay where they are.
/// </summary>
internal static class MetaCommands
{
    private const int ExtensionOffset = 100;
    private const int LongestName = 255;
    private const int MostAutomaticReplicas = 3;
    private const long Hour = 3_600_000_000_000;

    /// <summary>Reads the outer message, which is all that is looked at before a command is taken.</summary>
    /// <exception cref="ProtoException">It is none.</exception>
    public static int TypeOf(byte[] command)
    {
        var fields = ProtoFields.Parse(command);
        return fields.Has(1) ? (int)fields.Unsigned(1) : throw new ProtoException("proto: required field \"type\" not set");
    }

    /// <summary>Carries a command out.</summary>
    /// <exception cref="MetaCommandRefusedException">A rule forbids it.</exception>
    /// <exception cref="ProtoException">A server dies of this command: nobody knows its type, or its own message is missing or incomplete.</exception>
    public static void Apply(Data data, byte[] command)
    {
        var type = TypeOf(command);
        var fields = ProtoFields.Parse(command).Message(ExtensionOffset + type);
        Action<Data, ProtoFields> apply = type switch
        {
            3 => CreateDatabase,
            4 => DropDatabase,
            5 => CreateRetentionPolicy,
            6 => DropRetentionPolicy,
            8 => UpdateRetentionPolicy,
            9 => (d, f) => ShardGroupCommands.Create(d, Policy(d, f.Text(1), f.Text(2)), f.Signed(3)),
            10 => (d, f) => ShardGroupCommands.Delete(Policy(d, f.Text(1), f.Text(2)), f.Unsigned(3)),
            11 => CreateContinuousQuery,
            12 => (d, f) => Remove(Find(d, f.Text(1))?.ContinuousQueries, q => q.Name == f.Text(2)),
            13 => UserCommands.Create,
            14 => UserCommands.Drop,
            15 => UserCommands.Update,
            16 => UserCommands.SetPrivilege,
            17 => SetData,
            18 => UserCommands.SetAdminPrivilege,
            21 => CreateSubscription,
            22 => DropSubscription,
            30 => (d, f) => ShardGroupCommands.DropShard(d, f.Unsigned(1)),
            31 => (d, f) => ShardGroupCommands.Truncate(d, f.Signed(1)),
            32 => (_, _) => { },
            33 => (d, f) => ShardGroupCommands.AddOwner(d, f.Unsigned(1), f.Unsigned(2)),
            34 => (d, f) => ShardGroupCommands.RemoveOwner(d, f.Unsigned(1), f.Unsigned(2)),
            1 or 2 or 19 or (>= 23 and <= 29) => (_, _) => throw new MetaCommandRefusedException("not emulated"),

            // 7, SetDefaultRetentionPolicy, is among them: it has a number and a message, but nobody carries it out.
            _ => throw new ProtoException($"cannot apply command: {Convert.ToHexString(command)}"),
        };
        apply(data, fields);
    }

    /// <summary>The database; refuses where there is none.</summary>
    public static DatabaseInfo Database(Data data, string name) => Find(data, name) ?? throw new MetaCommandRefusedException($"database not found: {name}");

    private static DatabaseInfo? Find(Data data, string name) => data.Databases.FirstOrDefault(d => d.Name == name);

    private static RetentionPolicyInfo Policy(Data data, string database, string name) =>
        Database(data, database).RetentionPolicies.FirstOrDefault(p => p.Name == name)
        ?? throw new MetaCommandRefusedException($"retention policy not found: {name}");

    private static void CreateDatabase(Data data, ProtoFields fields)
    {
        var name = fields.Text(1);
        var policy = fields.Has(2)
            ? ReadPolicy(fields.Message(2))
            : new RetentionPolicyInfo { Name = "autogen", Duration = 0, ShardGroupDuration = 0, ReplicaN = (uint)Math.Clamp(data.DataNodes.Count, 1, MostAutomaticReplicas) };
        Refuse(name.Length == 0, "database name required");
        Refuse(IsTooLong(name), "name too long");
        if (Find(data, name) is null)
        {
            data.Databases.Add(new DatabaseInfo { Name = name, DefaultRetentionPolicy = "" });
        }

        try
        {
            AddPolicy(data, name, policy, makeDefault: true);
        }
        catch (MetaCommandRefusedException e) when (fields.Has(2) && e.Message == "retention policy already exists")
        {
            throw new MetaCommandRefusedException("retention policy conflicts with an existing policy");
        }
    }

    private static void DropDatabase(Data data, ProtoFields fields)
    {
        var name = fields.Text(1);
        if (Remove(data.Databases, d => d.Name == name))
        {
            foreach (var user in data.Users)
            {
                Remove(user.Privileges, p => p.Database == name);
            }
        }
    }

    private static void CreateRetentionPolicy(Data data, ProtoFields fields) =>
        AddPolicy(data, fields.Text(1), ReadPolicy(fields.Message(2)), fields.Has(3) && fields.Flag(3));

    private static void DropRetentionPolicy(Data data, ProtoFields fields) =>
        Remove(Find(data, fields.Text(1))?.RetentionPolicies, p => p.Name == fields.Text(2));

    private static RetentionPolicyInfo ReadPolicy(ProtoFields fields) => new()
    {
        // Shard groups and subscriptions in it are not looked at.
        Name = fields.Text(1),
        Duration = fields.Signed(2),
        ShardGroupDuration = fields.Signed(3),
        ReplicaN = (uint)fields.Unsigned(4),
    };

    private static void AddPolicy(Data data, string databaseName, RetentionPolicyInfo policy, bool makeDefault)
    {
        Refuse(policy.Name.Length == 0, "retention policy name required");
        Refuse(IsTooLong(policy.Name), "name too long");
        Refuse(policy.ReplicaN < 1, "replication factor must be greater than 0");
        policy.ShardGroupDuration = ShardGroupDuration(policy.ShardGroupDuration, policy.Duration);
        Refuse(policy.Duration > 0 && policy.Duration < policy.ShardGroupDuration, "retention policy duration must be greater than the shard duration");
        var database = Database(data, databaseName);
        if (database.RetentionPolicies.FirstOrDefault(p => p.Name == policy.Name) is not { } existing)
        {
            database.RetentionPolicies.Add(policy);
            database.DefaultRetentionPolicy = makeDefault ? policy.Name : database.DefaultRetentionPolicy;
            return;
        }

        Refuse(
            existing.ReplicaN != policy.ReplicaN || existing.Duration != policy.Duration || existing.ShardGroupDuration != policy.ShardGroupDuration,
            "retention policy already exists");
        Refuse(makeDefault && database.DefaultRetentionPolicy != policy.Name, "retention policy conflicts with an existing policy");
    }

    private static void UpdateRetentionPolicy(Data data, ProtoFields fields)
    {
        var database = Database(data, fields.Text(1));
        var policy = Policy(data, database.Name, fields.Text(2));
        var name = fields.Has(3) ? fields.Text(3) : policy.Name;
        var duration = fields.Has(4) ? fields.Signed(4) : policy.Duration;
        var groupDuration = fields.Has(6) ? fields.Signed(6) : policy.ShardGroupDuration;
        Refuse(name != policy.Name && database.RetentionPolicies.Any(p => p.Name == name), "retention policy name already exists");
        Refuse(fields.Has(4) && duration < Hour && duration != 0, "retention policy duration must be at least 1h0m0s");
        Refuse((fields.Has(4) || fields.Has(6)) && duration > 0 && duration < groupDuration, "retention policy duration must be greater than the shard duration");
        policy.Name = name;
        policy.Duration = duration;
        policy.ReplicaN = fields.Has(5) ? (uint)fields.Unsigned(5) : policy.ReplicaN;
        policy.ShardGroupDuration = fields.Has(6) ? ShardGroupDuration(groupDuration, duration) : policy.ShardGroupDuration;
        database.DefaultRetentionPolicy = fields.Has(7) && fields.Flag(7) ? name : database.DefaultRetentionPolicy;
    }

    private static long ShardGroupDuration(long wanted, long policyDuration) => wanted switch
    {
        0 => policyDuration is 0 or >= 180 * 24 * Hour ? 7 * 24 * Hour : policyDuration >= 2 * 24 * Hour ? 24 * Hour : Hour,
        < Hour => Hour,
        _ => wanted,
    };

    private static void CreateContinuousQuery(Data data, ProtoFields fields)
    {
        // The text is not parsed: nonsense is taken.
        var (name, query) = (fields.Text(2), fields.Text(3));
        var database = Database(data, fields.Text(1));
        if (database.ContinuousQueries.FirstOrDefault(q => q.Name == name) is { } existing)
        {
            Refuse(!existing.Query.Equals(query, StringComparison.OrdinalIgnoreCase), "continuous query already exists");
            return;
        }

        database.ContinuousQueries.Add(new ContinuousQueryInfo { Name = name, Query = query });
    }

    private static void CreateSubscription(Data data, ProtoFields fields)
    {
        var (name, mode) = (fields.Text(1), fields.Text(4));
        var policy = Policy(data, fields.Text(2), fields.Text(3));
        Refuse(policy.Subscriptions.Any(s => s.Name == name), "subscription already exists");
        policy.Subscriptions.Add(new SubscriptionInfo { Name = name, Mode = mode, Destinations = { fields.Texts(5) } });
    }

    private static void DropSubscription(Data data, ProtoFields fields) =>
        Refuse(!Remove(Policy(data, fields.Text(2), fields.Text(3)).Subscriptions, s => s.Name == fields.Text(1)), "subscription not found");

    /// <summary>Replaces everything, whatever the index.</summary>
    private static void SetData(Data data, ProtoFields fields)
    {
        var all = Data.Parser.ParseFrom(fields.Bytes(1));
        data.Databases.Clear();
        data.Users.Clear();
        data.DataNodes.Clear();
        data.MetaNodes.Clear();
        data.MergeFrom(all);
    }

    private static bool IsTooLong(string name) => System.Text.Encoding.UTF8.GetByteCount(name) > LongestName;

    private static bool Remove<T>(IList<T>? list, Func<T, bool> condition)
    {
        var found = list is null ? -1 : list.Select((item, index) => condition(item) ? index : -1).FirstOrDefault(i => i >= 0, -1);
        if (found >= 0)
        {
            list!.RemoveAt(found);
        }

        return found >= 0;
    }

    private static void Refuse(bool condition, string text)
    {
        if (condition)
        {
            throw new MetaCommandRefusedException(text);
        }
    }
}

/// <summary>A rule forbids a command; the message is the server's.</summary>
internal sealed class MetaCommandRefusedException(string message) : Exception(message);
