using Google.Protobuf;
using InfluxBackup.Metadata;

namespace InfluxBackup.Cluster;

/// <summary>
/// The commands as their callers want to say them. Each says what shall be, and does nothing where it is so: it may be given again when
/// it is not known whether it was carried out. Dropping is not among them: it is done by statements, which remove the files too.
/// </summary>
public sealed partial class MetaCommand
{
    /// <summary>Says what it does, for messages and the log.</summary>
    public string Description => Type switch
    {
        MetaCommandType.CreateDatabase => $"create database '{CreateDatabaseCommand.Name}'",
        MetaCommandType.CreateRetentionPolicy =>
            $"create retention policy '{CreateRetentionPolicyCommand.RetentionPolicy.Name}' of database '{CreateRetentionPolicyCommand.Database}'",
        MetaCommandType.UpdateRetentionPolicy =>
            $"change retention policy '{UpdateRetentionPolicyCommand.Name}' of database '{UpdateRetentionPolicyCommand.Database}'",
        MetaCommandType.CreateShardGroup =>
            $"create the shard group of {CreateShardGroupCommand.Database}.{CreateShardGroupCommand.Policy} for {ShardTime.ToDateTime(CreateShardGroupCommand.Timestamp):yyyy-MM-dd HH:mm:ss}",
        MetaCommandType.CreateContinuousQuery => $"create continuous query '{CreateContinuousQueryCommand.Name}' on database '{CreateContinuousQueryCommand.Database}'",
        MetaCommandType.CreateUser => $"create user '{CreateUserCommand.Name}'",
        MetaCommandType.SetPrivilege => $"grant user '{SetPrivilegeCommand.Username}' access to database '{SetPrivilegeCommand.Database}'",
        MetaCommandType.SetAdminPrivilege => $"{(SetAdminPrivilegeCommand.Admin ? "make" : "no longer make")} user '{SetAdminPrivilegeCommand.Username}' an administrator",
        _ => $"command {(int)Type}",
    };

    /// <summary>Nothing happens where there is such a database; a policy that differs from its own is refused then.</summary>
    /// <param name="name">The database.</param>
    /// <param name="defaultPolicy">Its default policy. Without one the server makes <c>autogen</c>, replicated as it thinks fit.</param>
    public static MetaCommand CreateDatabase(string name, RetentionPolicyInfo? defaultPolicy = null)
    {
        var command = new CreateDatabaseCommand { Name = name };
        if (defaultPolicy is not null)
        {
            command.RetentionPolicy = Bare(defaultPolicy);
        }

        return new() { Type = MetaCommandType.CreateDatabase, CreateDatabaseCommand = command };
    }

    /// <summary>
    /// Nothing happens where there is the same policy; one of that name that differs is refused, and so is one that is there and not
    /// the default although it is to be.
    /// </summary>
    public static MetaCommand CreateRetentionPolicy(string database, RetentionPolicyInfo policy, bool makeDefault = false)
    {
        var command = new CreateRetentionPolicyCommand { Database = database, RetentionPolicy = Bare(policy) };
        if (makeDefault)
        {
            command.Default = true;
        }

        return new() { Type = MetaCommandType.CreateRetentionPolicy, CreateRetentionPolicyCommand = command };
    }

    /// <summary>Makes a policy that is there the default. (The servers have a command of this name too, and die of it.)</summary>
    public static MetaCommand MakeDefaultRetentionPolicy(string database, string policy) => new()
    {
        Type = MetaCommandType.UpdateRetentionPolicy,
        UpdateRetentionPolicyCommand = new() { Database = database, Name = policy, Default = true },
    };

    /// <summary>Makes sure that there is a group for points of this time. The server chooses its range, its shards and their owners.</summary>
    /// <param name="time">Nanoseconds since 1970.</param>
    public static MetaCommand CreateShardGroup(string database, string policy, long time) => new()
    {
        Type = MetaCommandType.CreateShardGroup,
        CreateShardGroupCommand = new() { Database = database, Policy = policy, Timestamp = time },
    };

    /// <param name="query">The whole statement, <c>CREATE CONTINUOUS QUERY … END</c>. The server does not parse it: whatever it is, is taken.</param>
    public static MetaCommand CreateContinuousQuery(string database, string name, string query) => new()
    {
        Type = MetaCommandType.CreateContinuousQuery,
        CreateContinuousQueryCommand = new() { Database = database, Name = name, Query = query },
    };

    /// <param name="hash">The password's bcrypt hash, as metadata hold it.</param>
    public static MetaCommand CreateUser(string name, string hash, bool isAdmin) => new()
    {
        Type = MetaCommandType.CreateUser,
        CreateUserCommand = new() { Name = name, Hash = hash, Admin = isAdmin },
    };

    /// <param name="privilege">0 none, 1 read, 2 write, 3 all.</param>
    public static MetaCommand SetPrivilege(string user, string database, int privilege) => new()
    {
        Type = MetaCommandType.SetPrivilege,
        SetPrivilegeCommand = new() { Username = user, Database = database, Privilege = privilege },
    };

    public static MetaCommand SetAdminPrivilege(string user, bool isAdmin) =>
        new() { Type = MetaCommandType.SetAdminPrivilege, SetAdminPrivilegeCommand = new() { Username = user, Admin = isAdmin } };

    /// <summary>
    /// Whether the metadata show that it was carried out, for the one command that servers refuse the second time. A hash is made
    /// with a random salt: the same hash is the same command.
    /// </summary>
    internal bool WasCarriedOut(ServerMetadata metadata) =>
        Type == MetaCommandType.CreateUser
        && metadata.Data.Users.Any(u => u.Name == CreateUserCommand.Name && u.Hash == CreateUserCommand.Hash && u.Admin == CreateUserCommand.Admin);

    /// <summary>
    /// The bytes of a command that the servers survive: its type is one of those above, and what belongs to the type, that and nothing
    /// else, is complete.
    /// </summary>
    /// <exception cref="InvalidOperationException">It is not.</exception>
    internal byte[] ToSafeBytes()
    {
        IMessage?[] bodies =
        [
            CreateDatabaseCommand, CreateRetentionPolicyCommand, UpdateRetentionPolicyCommand, CreateShardGroupCommand,
            CreateContinuousQueryCommand, CreateUserCommand, SetPrivilegeCommand, SetAdminPrivilegeCommand,
        ];
        var isSafe = Type != MetaCommandType.None && Enum.IsDefined(Type) && this.IsInitialized()
            && bodies.OfType<IMessage>().ToList() is [var body] && body.Descriptor.Name == $"{Type}Command";
        return isSafe ? this.ToByteArray() : throw new InvalidOperationException($"Command {Type} is not complete, and an incomplete one ends the cluster.");
    }

    /// <summary>Without the shard groups and subscriptions, which the servers ignore here: they only make the command large.</summary>
    private static RetentionPolicyInfo Bare(RetentionPolicyInfo policy)
    {
        var bare = policy.Clone();
        bare.ShardGroups.Clear();
        bare.Subscriptions.Clear();
        return bare;
    }
}
