using InfluxBackup.Http;
using InfluxBackup.LineProtocol;

namespace InfluxBackup.Operations;

/// <summary>Decides where lines go: by what the file says, and by the options.</summary>
internal sealed class ImportTargets(ImportOptions options, string source)
{
    private readonly Dictionary<WriteTarget, WriteTarget> known = [];
    private ScriptContext? latest;
    private WriteTarget? target;
    private ScriptContext? redirected;

    /// <summary>Whether everything goes elsewhere than the file says.</summary>
    public bool IsRedirected => options.NewDatabase is not null || options.NewRetentionPolicy is not null;

    /// <summary>The target of the lines that follow; the same object for the same names.</summary>
    /// <exception cref="InfluxBackupException">There is none, or the options and the file are at odds.</exception>
    public WriteTarget Of(ScriptContext context, long line)
    {
        if (!ReferenceEquals(context, latest) || target is null)
        {
            CheckConflict(context.Database, options.Database, "database", "-Database", "-NewDatabase", line);
            CheckConflict(context.RetentionPolicy, options.RetentionPolicy, "retention policy", "-RetentionPolicy", "-NewRetentionPolicy", line);
            CheckRedirection(context, line);
            var named = new WriteTarget(
                options.NewDatabase ?? context.Database ?? options.Database ?? throw NoDatabase(line),
                options.NewRetentionPolicy ?? context.RetentionPolicy ?? options.RetentionPolicy);
            if (!known.TryGetValue(named, out target))
            {
                known[named] = target = named;
            }

            latest = context;
        }

        return target;
    }

    /// <summary>The target as far as it is known, for lines that are not sent.</summary>
    public WriteTarget? TryOf(ScriptContext context) =>
        (options.NewDatabase ?? context.Database ?? options.Database) is { } database
            ? new WriteTarget(database, options.NewRetentionPolicy ?? context.RetentionPolicy ?? options.RetentionPolicy)
            : null;

    /// <summary>
    /// The statement as it has to be where everything goes elsewhere; null when it is of no use there.
    /// </summary>
    public InfluxQlStatement? Redirect(InfluxQlStatement statement)
    {
        if (!IsRedirected)
        {
            return statement;
        }

        return statement.Database is null ? null : statement.WithNames(
            InfluxQl.Identifier(options.NewDatabase ?? statement.Database),
            options.NewRetentionPolicy is { } policy ? InfluxQl.Identifier(policy) : null);
    }

    /// <summary>Two databases in one file were kept apart for a reason.</summary>
    private void CheckRedirection(ScriptContext context, long line)
    {
        if (options.NewDatabase is not null && redirected is not null && context.Database != redirected.Database)
        {
            throw Several("database", $"'{redirected.Database}' and '{context.Database}'", "-NewDatabase", line);
        }

        if (options.NewRetentionPolicy is not null && redirected is not null && context != redirected)
        {
            throw Several("retention policy", $"{Name(redirected)} and {Name(context)}", "-NewRetentionPolicy", line);
        }

        redirected = context;
    }

    private void CheckConflict(string? inFile, string? inOptions, string what, string option, string redirection, long line)
    {
        if (inFile is not null && inOptions is not null && inFile != inOptions)
        {
            throw new InfluxBackupException(
                "ImportTargetConflict", ErrorKind.InvalidArgument, $"'{source}' names the {what} '{inFile}' before line {line}, the options name '{inOptions}'.")
            {
                Subject = source,
                Remedy = $"{option} is for lines that name none; to write these lines into '{inOptions}', give it as {redirection}.",
            };
        }
    }

    private InfluxBackupException Several(string what, string names, string option, long line) =>
        new("ImportTargetAmbiguous", ErrorKind.InvalidArgument, $"'{source}' has lines of more than one {what}, {names} (line {line}); they would be mixed in one.")
        {
            Subject = source,
            Remedy = $"Import it without {option}, or export one {what} a file.",
        };

    private InfluxBackupException NoDatabase(long line) =>
        new("DatabaseRequired", ErrorKind.InvalidArgument, $"'{source}' does not say which database line {line} belongs to.")
        {
            Subject = source,
            Remedy = "Give -Database.",
        };

    private static string Name(ScriptContext context) => $"'{context.Database}'.'{context.RetentionPolicy}'";
}
