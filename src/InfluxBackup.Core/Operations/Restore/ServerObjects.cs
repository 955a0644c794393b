using InfluxBackup.Http;
using InfluxBackup.Metadata;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>
/// What a metadata import leaves out on a single server: continuous queries, users and their grants. With the HTTP API queries and grants
/// are made again; users can't be, because InfluxQL takes passwords and a backup has only their hashes, so they are named.
/// </summary>
internal sealed class ServerObjects(RestorePlan plan, InfluxHttpClient? http, ILogger logger)
{
    private const string NoHttp = "no address of the HTTP API was given";

    private readonly ServerMetadata backup = plan.RestorePoint.Metadata;
    private readonly RestoreNames names = plan.Names;

    public async Task<IReadOnlyList<RestoredObject>> RunAsync(CancellationToken cancel)
    {
        var objects = new List<RestoredObject>();
        foreach (var database in backup.Databases.Where(d => names.Databases.Contains(d.Name)))
        {
            foreach (var query in database.ContinuousQueries)
            {
                var text = names.Rename(query.Query, database.Name);
                objects.Add(await TryAsync(RestoredObjectKind.ContinuousQuery, query.Name, names.DatabaseOf(database.Name), text, cancel).ConfigureAwait(false));
            }
        }

        objects.AddRange(await RestoreGrantsAsync(cancel).ConfigureAwait(false));
        return objects;
    }

    private async Task<List<RestoredObject>> RestoreGrantsAsync(CancellationToken cancel)
    {
        var objects = new List<RestoredObject>();
        var users = backup.Data.Users.Where(u => u.Admin || u.Privileges.Any(p => p.Privilege != 0 && names.Databases.Contains(p.Database))).ToList();
        IReadOnlySet<string>? existing = null;
        if (http is not null && users.Count > 0)
        {
            try
            {
                existing = await http.ReadUserNamesAsync(cancel).ConfigureAwait(false);
            }
            catch (InfluxBackupException e)
            {
                logger.LogWarning("The users of the server could not be listed: {Message}", e.Message);
            }
        }

        foreach (var user in users)
        {
            var isThere = existing?.Contains(user.Name) ?? false;
            if (!isThere)
            {
                objects.Add(new RestoredObject(
                    RestoredObjectKind.User, user.Name, null, false, http is null ? $"{NoHttp}; a backup holds the hash of a password, which can't be set" : "a backup holds the hash of the password, which can't be set", Statements.CreateUser(user)));
            }

            foreach (var privilege in user.Privileges.Where(p => p.Privilege != 0 && names.Databases.Contains(p.Database)))
            {
                var database = names.DatabaseOf(privilege.Database);
                var statement = Statements.Grant(privilege.Privilege, database, user.Name);
                objects.Add(existing is not null && !isThere
                    ? new RestoredObject(RestoredObjectKind.Grant, user.Name, database, false, "the user does not exist on the server", statement)
                    : await TryAsync(RestoredObjectKind.Grant, user.Name, database, statement, cancel).ConfigureAwait(false));
            }
        }

        return objects;
    }

    private async Task<RestoredObject> TryAsync(RestoredObjectKind kind, string name, string database, string statement, CancellationToken cancel)
    {
        if (http is null)
        {
            return new RestoredObject(kind, name, database, false, NoHttp, statement);
        }

        try
        {
            using var answer = await http.QueryAsync(statement, cancel).ConfigureAwait(false);
            return new RestoredObject(kind, name, database, true, null, statement);
        }
        catch (InfluxBackupException e)
        {
            logger.LogWarning("{Kind} '{Name}' of database '{Database}' was not restored: {Message}", kind, name, database, e.Message);
            return new RestoredObject(kind, name, database, false, e.Message, statement) { IsFailed = true };
        }
    }
}
