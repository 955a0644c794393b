using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace InfluxBackup.Http;

/// <summary>What a server made of points.</summary>
public enum WriteVerdict
{
    /// <summary>All of them are stored.</summary>
    Accepted,

    /// <summary>Some of them, or all, are not points that this database takes; the others are stored.</summary>
    Refused,

    /// <summary>The body was too large; nothing is stored.</summary>
    TooLarge,

    /// <summary>The server could not; the same request may succeed later.</summary>
    Unavailable,

    /// <summary>No request like this will succeed.</summary>
    Fatal,
}

/// <summary>
/// The answer to <c>POST /write</c>. Errors are JSON: <c>{"error":"partial write: … dropped=3"}</c>.
/// </summary>
/// <param name="Verdict">What to make of it.</param>
/// <param name="Message">The server's words.</param>
/// <param name="RetryAfter">How long the server wants to be left alone.</param>
/// <param name="Error">The error for the user, unless accepted, refused or too large.</param>
public sealed partial record WriteAnswer(WriteVerdict Verdict, string Message = "", TimeSpan? RetryAfter = null, InfluxBackupException? Error = null)
{
    /// <summary>Before what the server says when some points are stored.</summary>
    public const string PartialWrite = "partial write: ";

    /// <summary>Before each line that is no point, which follows in single quotes.</summary>
    public const string UnableToParse = "unable to parse '";

    // A measurement that is new to a shard got a field with two types in one request: the shard stores nothing of it. The second form
    // comes from below the index.
    private static readonly string[] TypeConflicts = ["field type conflict", "engine: field type conflict"];

    // A value that passed for one and is none: it stops the request where it stands.
    private const string EngineUnableToParse = "engine: unable to parse ";

    // While a shard is being removed nothing can be written to its time; later it can, or is beyond the policy.
    private const string PendingDeletion = "is pending deletion";

    /// <summary>Whether none of the lines is a point.</summary>
    public bool IsUnparsed => Message.StartsWith(UnableToParse, StringComparison.Ordinal);

    /// <summary>Whether at least a part of the points may be stored.</summary>
    public bool IsPartial => Message.StartsWith(PartialWrite, StringComparison.Ordinal);

    /// <summary>Points that were left out, of those that could be parsed; null when the server does not say.</summary>
    public int? Dropped => DroppedPattern().Match(Message) is { Success: true } match
        && int.TryParse(match.Groups[1].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var dropped) ? dropped : null;

    /// <summary>The reason alone.</summary>
    public string Reason
    {
        get
        {
            var reason = IsPartial ? Message[PartialWrite.Length..] : Message;
            return DroppedPattern().Replace(reason, "");
        }
    }

    /// <summary>Judges a response.</summary>
    /// <param name="host">Address of the server, for messages.</param>
    /// <param name="isInflux">Whether the response names a version of InfluxDB.</param>
    internal static WriteAnswer Of(HttpStatusCode status, string body, TimeSpan? retryAfter, bool isInflux, string host, WriteTarget target)
    {
        var message = MessageOf(body);
        return (int)status switch
        {
            204 => new WriteAnswer(WriteVerdict.Accepted),
            200 when isInflux => new WriteAnswer(WriteVerdict.Accepted),
            400 when message.StartsWith(PartialWrite, StringComparison.Ordinal) && message.Contains(PendingDeletion, StringComparison.Ordinal) =>
                Unavailable($"{host} could not write: {Words(message, "")}.", host, retryAfter),
            400 when message.StartsWith(PartialWrite, StringComparison.Ordinal) || message.StartsWith(UnableToParse, StringComparison.Ordinal) =>
                new WriteAnswer(WriteVerdict.Refused, message),
            400 or 500 when TypeConflicts.Contains(message, StringComparer.Ordinal) || message.StartsWith(EngineUnableToParse, StringComparison.Ordinal) => new WriteAnswer(WriteVerdict.Refused, message),
            413 => new WriteAnswer(WriteVerdict.TooLarge, message),
            401 => Fatal("LoginRefused", ErrorKind.Security, $"{host} refuses access: {Words(message, "no valid login")}.", "Give the credential of a user who may write."),
            403 => Fatal("WriteForbidden", ErrorKind.Security, $"{host} does not let this user write to {target}: {Words(message, "forbidden")}.", $"Grant it: GRANT WRITE ON {InfluxQl.Identifier(target.Database)} TO the user."),
            404 when message.Contains("database not found", StringComparison.Ordinal) => Fatal(
                "DatabaseNotFound", ErrorKind.NotFound, $"{host} has no database '{target.Database}'.",
                $"Create it (CREATE DATABASE {InfluxQl.Identifier(target.Database)}), or name another one."),
            500 when message.Contains("retention policy not found", StringComparison.Ordinal) => Fatal(
                "RetentionPolicyNotFound", ErrorKind.NotFound, $"{host} has no {target}.",
                target.RetentionPolicy is { } policy
                    ? $"Create it (CREATE RETENTION POLICY {InfluxQl.Identifier(policy)} ON {InfluxQl.Identifier(target.Database)} DURATION INF REPLICATION 1), or name another one."
                    : "Give the database a default policy, or name one."),
            408 or 429 or >= 500 => Unavailable($"{host} could not write: {Words(message, $"status {(int)status}")}.", host, retryAfter),
            _ => Fatal(
                "WriteRefused", ErrorKind.InvalidData, $"{host} refuses to write (status {(int)status}): {Words(message, "no reason given")}.",
                isInflux ? null : "Check that the address is that of InfluxDB's HTTP API, port 8086 by default."),
        };

        WriteAnswer Fatal(string id, ErrorKind kind, string text, string? remedy) =>
            new(WriteVerdict.Fatal, message, Error: new InfluxBackupException(id, kind, text) { Subject = host, Remedy = remedy });
    }

    internal static WriteAnswer Unavailable(string text, string host, TimeSpan? retryAfter = null, Exception? cause = null) =>
        new(WriteVerdict.Unavailable, text, retryAfter, new InfluxBackupException("WriteUnavailable", ErrorKind.Connection, text, cause) { Subject = host, IsTransient = true });

    private static string Words(string message, string otherwise) => message.Length == 0 ? otherwise : message.Length > 500 ? message[..500] + "…" : message.TrimEnd('.');

    private static string MessageOf(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.String
                ? error.GetString()!.TrimEnd('\n')
                : body.Trim();
        }
        catch (JsonException)
        {
            return body.Trim();
        }
    }

    [GeneratedRegex(@" dropped=(\d+)$")]
    private static partial Regex DroppedPattern();
}
