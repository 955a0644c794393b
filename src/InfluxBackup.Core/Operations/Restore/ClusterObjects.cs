using InfluxBackup.Cluster;
using InfluxBackup.Metadata;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Operations;

/// <summary>
/// Users, grants and continuous queries in a cluster, by commands to its meta nodes. A user comes with the hash of its password, so the
/// password stays what it was. Users that exist are left as they are. Subscriptions are not restored: what they would send to was
/// chosen for another cluster.
/// </summary>
/// <param name="isIncluded">Whether they are restored at all; if not they are named.</param>
internal sealed class ClusterObjects(RestorePlan plan, MetaNodeClient meta, bool isIncluded, bool withAdministrators, ICollection<string> created, ILogger logger)
{
    private const string NotIncluded = "a full backup is restored without it unless -IncludeMetadata (--include-metadata) is given";

    private readonly ServerMetadata backup = plan.RestorePoint.Metadata;
    private readonly RestoreNames names = plan.Names;

    public async Task<IReadOnlyList<RestoredObject>> RunAsync(CancellationToken cancel)
    {
        var objects = new List<RestoredObject>();
        objects.AddRange(await RestoreUsersAsync(cancel).ConfigureAwait(false));
        foreach (var database in backup.Databases.Where(d => names.Databases.Contains(d.Name)))
        {
            var policies = database.RetentionPolicies.Where(p => names.RetentionPolicies.Count == 0 || names.RetentionPolicies.Contains(p.Name));
            objects.AddRange(policies.SelectMany(p => p.Subscriptions).Select(s => new RestoredObject(
                RestoredObjectKind.Subscription, s.Name, names.DatabaseOf(database.Name), false, "subscriptions are not restored", null)));

            // Last, because a query begins to run as soon as it exists.
            foreach (var query in database.ContinuousQueries)
            {
                objects.Add(await RestoreQueryAsync(database.Name, query, cancel).ConfigureAwait(false));
            }
        }

        return objects;
    }

    private async Task<List<RestoredObject>> RestoreUsersAsync(CancellationToken cancel)
    {
        var objects = new List<RestoredObject>();
        var isWhole = plan.IsWhole;
        var users = backup.Data.Users.Where(u => isWhole || u.Privileges.Any(p => p.Privilege != 0 && names.Databases.Contains(p.Database))).ToList();
        if (users.Count == 0)
        {
            return objects;
        }

        var there = (await meta.ReadMetadataAsync(cancel).ConfigureAwait(false)).Metadata.Data.Users.ToDictionary(u => u.Name);
        foreach (var user in users)
        {
            var restored = await RestoreUserAsync(user, there.GetValueOrDefault(user.Name), isWhole, cancel).ConfigureAwait(false);
            objects.Add(restored);
            foreach (var privilege in user.Privileges.Where(p => p.Privilege != 0 && names.Databases.Contains(p.Database)))
            {
                var database = names.DatabaseOf(privilege.Database);
                var statement = Statements.Grant(privilege.Privilege, database, user.Name);
                objects.Add(!restored.IsRestored && !there.ContainsKey(user.Name)
                    ? new RestoredObject(RestoredObjectKind.Grant, user.Name, database, false, isIncluded ? "the user does not exist in the cluster" : NotIncluded, statement)
                    : await TryAsync(
                        new RestoredObject(RestoredObjectKind.Grant, user.Name, database, true, null, statement),
                        MetaCommand.SetPrivilege(user.Name, database, privilege.Privilege), cancel).ConfigureAwait(false));
            }
        }

        return objects;
    }

    private async Task<RestoredObject> RestoreUserAsync(UserInfo user, UserInfo? there, bool isWhole, CancellationToken cancel)
    {
        var named = new RestoredObject(RestoredObjectKind.User, user.Name, null, true, null, Statements.CreateUser(user));
        if (there is not null)
        {
            return there.Hash == user.Hash && there.Admin == user.Admin ? named
                : named with { IsRestored = false, Reason = "a user of this name exists and was left as it is", Statement = null };
        }

        if (user.Admin && !isWhole && !withAdministrators)
        {
            return named with { IsRestored = false, Reason = "an administrator is restored only with the whole backup, or with -IncludeMetadata (--include-metadata)" };
        }

        // Nobody could log in with anything else, and the server does not look.
        return user.Hash is ['$', '2', ..] and { Length: 60 }
            ? await TryAsync(named, MetaCommand.CreateUser(user.Name, user.Hash, user.Admin), cancel).ConfigureAwait(false)
            : named with { IsRestored = false, Reason = "what the backup holds of the password is not a hash" };
    }

    private async Task<RestoredObject> RestoreQueryAsync(string database, ContinuousQueryInfo query, CancellationToken cancel)
    {
        var target = names.DatabaseOf(database);
        var text = names.Rename(query.Query, database);
        var named = new RestoredObject(RestoredObjectKind.ContinuousQuery, query.Name, target, true, null, text);
        return ContinuousQueryText.IsWellFormed(text, query.Name, target)
            ? await TryAsync(named, MetaCommand.CreateContinuousQuery(target, query.Name, text), cancel).ConfigureAwait(false)
            : named with { IsRestored = false, IsFailed = isIncluded, Reason = "its text is not a whole statement CREATE CONTINUOUS QUERY … END of this name and database, and a cluster would take it all the same" };
    }

    private async Task<RestoredObject> TryAsync(RestoredObject wanted, MetaCommand command, CancellationToken cancel)
    {
        if (!isIncluded)
        {
            return wanted with { IsRestored = false, Reason = NotIncluded };
        }

        try
        {
            await meta.ExecuteAsync(command, cancel).ConfigureAwait(false);
            if (wanted.Kind == RestoredObjectKind.User)
            {
                created.Add($"user '{wanted.Name}'");
            }

            return wanted;
        }
        catch (InfluxBackupException e)
        {
            logger.LogWarning("{Kind} '{Name}' was not restored: {Message}", wanted.Kind, wanted.Name, e.Message);
            return wanted with { IsRestored = false, IsFailed = true, Reason = e.Message };
        }
    }
}
