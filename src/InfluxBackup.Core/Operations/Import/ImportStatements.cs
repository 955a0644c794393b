using InfluxBackup.Http;
using InfluxBackup.LineProtocol;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;

namespace InfluxBackup.Operations;

/// <summary>Runs the statements of a file.</summary>
internal sealed class ImportStatements(ImportOptions options, ImportTargets targets) : IDisposable
{
    // What 1.x answers when CREATE DATABASE names another default policy than the database has.
    private const string PolicyConflict = "retention policy conflicts with an existing policy";

    // What it answers when a policy is there with other durations.
    private const string PolicyExists = "retention policy already exists";

    private readonly InfluxHttpClient[] clients = [.. options.Servers.Select(s => new InfluxHttpClient(s))];
    private readonly List<ImportedStatement> done = [];

    public IReadOnlyList<ImportedStatement> Done => done;

    /// <summary>Runs one, and notes what became of it.</summary>
    /// <exception cref="InfluxBackupException">It failed, and errors are not to be ignored.</exception>
    public async Task RunAsync(InfluxQlStatement statement, long line, CancellationToken cancel)
    {
        if (options.SkipDdl)
        {
            done.Add(new ImportedStatement(line, statement.SafeText, StatementOutcome.Skipped));
            return;
        }

        if (targets.Redirect(statement) is not { } wanted)
        {
            const string why = "It names no database in a known form, and everything goes into another one.";
            done.Add(new ImportedStatement(line, statement.SafeText, StatementOutcome.Skipped, why));
            options.Logger.LogWarning("A statement in line {Line} was skipped: {Statement}. {Why}", line, statement.SafeText, why);
            return;
        }

        try
        {
            done.Add(await ExecuteAsync(wanted, line, cancel).ConfigureAwait(false));
        }
        catch (InfluxBackupException e) when (e.Id == "QueryFailed" || (e.Kind == ErrorKind.Security && options.IgnoreDdlErrors))
        {
            // A parser's message quotes what it found.
            var message = wanted.HasPassword ? "the server refuses it" : e.Message;
            done.Add(new ImportedStatement(line, wanted.SafeText, StatementOutcome.Failed, message));
            if (!options.IgnoreDdlErrors)
            {
                throw new InfluxBackupException("StatementFailed", ErrorKind.InvalidData, $"A statement of the file failed, in line {line}: {wanted.SafeText}: {message}", wanted.HasPassword ? null : e)
                {
                    Subject = wanted.SafeText,
                    Remedy = "Put it right, or import without the statements (-SkipDdl) or in spite of their errors (-IgnoreDdlErrors).",
                };
            }

            options.Logger.LogWarning("The statement in line {Line} failed and is left out: {Statement}: {Message}", line, wanted.SafeText, message);
        }
    }

    /// <summary>Whether any of the addresses answers at all; to say at once what would otherwise be tried for minutes.</summary>
    public async Task CheckConnectionAsync(CancellationToken cancel)
    {
        for (var i = 0; i < clients.Length; i++)
        {
            try
            {
                _ = await clients[i].ReadVersionAsync(cancel).ConfigureAwait(false);
                return;
            }
            catch (InfluxBackupException) when (i < clients.Length - 1)
            {
                // One that answers is enough.
            }
        }
    }

    public void Dispose()
    {
        foreach (var client in clients)
        {
            client.Dispose();
        }
    }

    private async Task<ImportedStatement> ExecuteAsync(InfluxQlStatement statement, long line, CancellationToken cancel)
    {
        try
        {
            await QueryAsync(statement.Text, cancel).ConfigureAwait(false);
            return new ImportedStatement(line, statement.SafeText, StatementOutcome.Done);
        }
        catch (InfluxBackupException e) when (statement is { CreatedDatabase: not null, CreatedPolicy: not null } && e.Message.Contains(PolicyConflict, StringComparison.Ordinal))
        {
            // Up to 1.9 an export writes one CREATE DATABASE for each policy; only the first of them can make its policy the default.
            var instead = $"CREATE RETENTION POLICY {InfluxQl.Identifier(statement.CreatedPolicy)} ON {InfluxQl.Identifier(statement.CreatedDatabase)} DURATION 0s REPLICATION 1";
            return await ExecuteAsync(InfluxQlStatement.Parse(instead), line, cancel).ConfigureAwait(false) is { Outcome: StatementOutcome.AlreadyThere } there
                ? there with { Statement = statement.SafeText }
                : new ImportedStatement(line, statement.SafeText, StatementOutcome.Replaced, instead);
        }
        catch (InfluxBackupException e) when (statement.PolicyDatabase is not null && e.Message.Contains(PolicyExists, StringComparison.Ordinal))
        {
            return new ImportedStatement(line, statement.SafeText, StatementOutcome.AlreadyThere, "The policy is there, with other durations.");
        }
    }

    private async Task QueryAsync(string statement, CancellationToken cancel)
    {
        var attempt = 0;
        await new ResiliencePipelineBuilder()
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<InfluxBackupException>(e => e.IsTransient),
                MaxRetryAttempts = Math.Max(1, options.MaxAttempts - 1),
                Delay = options.RetryDelay,
                MaxDelay = options.MaxRetryDelay,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
            })
            .Build()
            .ExecuteAsync(
                async token =>
                {
                    using var answer = await clients[attempt++ % clients.Length].QueryAsync(statement, token).ConfigureAwait(false);
                },
                cancel).ConfigureAwait(false);
    }
}
