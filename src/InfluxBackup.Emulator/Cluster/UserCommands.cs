using InfluxBackup.Metadata;

namespace InfluxBackup.Emulator;

/// <summary>Commands about users.</summary>
internal static class UserCommands
{
    public static void Create(Data data, ProtoFields fields)
    {
        var user = new UserInfo { Name = fields.Text(1), Hash = fields.Text(2), Admin = fields.Flag(3) };
        if (user.Name.Length == 0)
        {
            throw new MetaCommandRefusedException("username required");
        }

        if (data.Users.Any(u => u.Name == user.Name))
        {
            throw new MetaCommandRefusedException("user already exists");
        }

        data.Users.Add(user);
    }

    public static void Drop(Data data, ProtoFields fields) => data.Users.Remove(Find(data, fields));

    public static void Update(Data data, ProtoFields fields)
    {
        var hash = fields.Text(2);
        Find(data, fields).Hash = hash;
    }

    public static void SetAdminPrivilege(Data data, ProtoFields fields)
    {
        var isAdmin = fields.Flag(2);
        Find(data, fields).Admin = isAdmin;
    }

    public static void SetPrivilege(Data data, ProtoFields fields)
    {
        var privilege = new UserPrivilege { Database = fields.Text(2), Privilege = (int)fields.Signed(3) };
        var user = Find(data, fields);
        MetaCommands.Database(data, privilege.Database);
        if (user.Privileges.FirstOrDefault(p => p.Database == privilege.Database) is { } existing)
        {
            existing.Privilege = privilege.Privilege;
            return;
        }

        user.Privileges.Add(privilege);
    }

    private static UserInfo Find(Data data, ProtoFields fields)
    {
        var name = fields.Text(1);
        return data.Users.FirstOrDefault(u => u.Name == name) ?? throw new MetaCommandRefusedException("user not found");
    }
}
