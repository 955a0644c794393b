using InfluxBackup.Http;
using InfluxBackup.Metadata;

namespace InfluxBackup.Operations;

/// <summary>The InfluxQL that makes what a restore may have to leave to the user. No statement has a password or its hash in it.</summary>
internal static class Statements
{
    public static string CreateUser(UserInfo user) =>
        $"CREATE USER {InfluxQl.Identifier(user.Name)} WITH PASSWORD '...'{(user.Admin ? " WITH ALL PRIVILEGES" : "")}";

    /// <param name="privilege">1 read, 2 write, 3 all.</param>
    public static string Grant(int privilege, string database, string user) =>
        $"GRANT {Name(privilege)} ON {InfluxQl.Identifier(database)} TO {InfluxQl.Identifier(user)}";

    private static string Name(int privilege) => privilege switch
    {
        1 => "READ",
        2 => "WRITE",
        _ => "ALL",
    };
}
