using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace InfluxBackup.Cluster;

/// <summary>What can go wrong between us and a meta node, in words that name the node, the cause and the way out.</summary>
internal static class MetaNodeErrors
{
    private const string Ports = "Give the meta node's HTTP address (port 8091 by default), not one of a data node or port 8089 of a meta node.";

    /// <summary>An error in place of an answer that is not the one asked for.</summary>
    public static InfluxBackupException Explain(MetaReply reply, string path)
    {
        var text = reply.ErrorText;
        return reply.Status switch
        {
            HttpStatusCode.Unauthorized => LoginRefused(reply.Node, text),
            HttpStatusCode.Forbidden when reply.MetaIndex is not null => LoginRefused(reply.Node, text),
            HttpStatusCode.BadRequest when text.Contains("must create admin user first", StringComparison.Ordinal) => LoginRefused(reply.Node, text),
            HttpStatusCode.BadRequest when text.Contains("HTTP request to an HTTPS server", StringComparison.Ordinal) => TlsRequired(reply.Node),
            _ when reply.MetaIndex is null => NotAMetaNode(reply),
            _ => Failed(reply.Node, "MetaNodeFailed", $"answers {path} with status {(int)reply.Status}: {text}", null, isTransient: (int)reply.Status >= 500),
        };
    }

    /// <summary>Something else listens there; where it can be told, what.</summary>
    public static InfluxBackupException NotAMetaNode(MetaReply reply, Exception? inner = null)
    {
        // The HTTP API knows no such path, or answers a ping with nothing, and tells its version; the small HTTP server on a data node's 8088 answers everything with nothing.
        var what = reply switch
        {
            { Status: HttpStatusCode.NotFound or HttpStatusCode.NoContent, Version: not null } => "is the HTTP API of a data node or of a single server, not a meta node",
            { Status: HttpStatusCode.OK, Body.Length: 0, Version: null } => "is probably the backup port of a data node, not a meta node",
            _ => $"does not answer as a meta node does (status {(int)reply.Status})",
        };
        return new InfluxBackupException("NotAMetaNode", ErrorKind.Connection, $"What listens on {reply.Node} {what}.", inner)
        {
            Subject = reply.Node.ToString(),
            Remedy = Ports,
        };
    }

    /// <summary>What the network or TLS threw before or while a request was under way.</summary>
    public static InfluxBackupException OfException(MetaNodeAddress node, Exception e, TimeSpan timeout) => e switch
    {
        OperationCanceledException => Failed(node, "MetaNodeTimeout", $"gave no answer within {timeout.TotalSeconds:0.#} s", e, isTransient: true),
        HttpRequestException { InnerException: AuthenticationException tls } => TlsFailed(node, tls),
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => TlsFailed(node, e.InnerException ?? e),
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => new InfluxBackupException(
            "HostNotFound", ErrorKind.Connection, $"The host name '{node.Host}' can't be resolved.", e)
        {
            Subject = node.ToString(),
            Remedy = "Check the spelling and the name service.",
        },
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } => Failed(
            node,
            "MetaNodeUnreachable",
            e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused }
                ? "refuses the connection: nothing listens there"
                : $"can't be reached ({(e.InnerException ?? e).Message})",
            e,
            isTransient: true),
        HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } => Failed(
            node, "AnswerTooLong", "sent a longer answer than can be handled", e, isTransient: false),
        _ => Failed(node, "MetaAnswerLost", $"broke the connection ({(e.InnerException ?? e).Message})", e, isTransient: true),
    };

    public static InfluxBackupException ConnectTimeout(MetaNodeAddress node, TimeSpan limit, Exception e) =>
        Failed(node, "MetaNodeUnreachable", $"did not accept a connection within {limit.TotalSeconds:0.#} s", e, isTransient: true);

    /// <summary>The nodes answer, but none of them leads: nothing can be changed until they have chosen one.</summary>
    public static InfluxBackupException NoLeader(MetaNodeAddress node, string text) =>
        new("NoLeader", ErrorKind.Busy, $"Meta node {node} can't serve the request now: {text}.")
        {
            Subject = node.ToString(),
            IsTransient = true,
            Remedy = "More than half of the meta nodes must be up and reach each other; 'influxd-ctl show' lists them.",
        };

    /// <summary>A leader was named, and did not answer.</summary>
    public static InfluxBackupException LeaderUnreachable(MetaNodeAddress node, MetaNodeAddress leader, InfluxBackupException why) =>
        new(why.Id, why.Kind, $"Meta node {node} names {leader} as the leader. {why.Message}", why)
        {
            Subject = leader.ToString(),
            IsTransient = why.IsTransient,
            Remedy = "If the nodes know each other by names that are of no use here, name all meta nodes by addresses that are: the leader is then asked directly.",
        };

    /// <summary>All that was tried, in one error.</summary>
    public static InfluxBackupException Several(IReadOnlyList<InfluxBackupException> errors)
    {
        // What says most comes first: a refused handshake or a missing leader rather than a node that is down.
        var first = errors.FirstOrDefault(e => e.Kind == ErrorKind.Security) ?? errors.FirstOrDefault(e => e.Kind == ErrorKind.Busy) ?? errors[0];
        var messages = errors.Select(e => e.Message).Distinct().ToList();
        return messages.Count == 1
            ? first
            : new InfluxBackupException(first.Id, first.Kind, $"No meta node serves the request. {string.Join(" ", messages)}", first)
            {
                Subject = first.Subject,
                Remedy = first.Remedy,
                IsTransient = errors.Any(e => e.IsTransient),
            };
    }

    /// <summary>The leader took the command and says no.</summary>
    public static InfluxBackupException Refused(MetaNodeAddress node, MetaCommand command, string text) =>
        new("MetaCommandRefused", KindOf(text), $"Meta node {node} refuses to {command.Description}: {text}.") { Subject = node.ToString() };

    private static ErrorKind KindOf(string text) =>
        text.Contains("not found", StringComparison.Ordinal) ? ErrorKind.NotFound
        : text.Contains("already exists", StringComparison.Ordinal) || text.Contains("conflicts", StringComparison.Ordinal) ? ErrorKind.Exists
        : ErrorKind.InvalidData;

    private static InfluxBackupException LoginRefused(MetaNodeAddress node, string text) =>
        new("LoginRefused", ErrorKind.Security, $"Meta node {node} refuses access: {text}.")
        {
            Subject = node.ToString(),
            Remedy = text.Contains("signature", StringComparison.Ordinal)
                ? "Check the shared secret: a user's token is signed with shared-secret, one without a user with internal-shared-secret of section [meta]. Check the clock as well: a token lives five minutes."
                : text.Contains("bearer", StringComparison.OrdinalIgnoreCase)
                    ? "The node has no shared-secret: give user and password instead."
                    : "Give a user and the password, or the shared secret.",
        };

    private static InfluxBackupException TlsRequired(MetaNodeAddress node) =>
        new("TlsRequired", ErrorKind.InvalidArgument, $"Meta node {node} speaks HTTPS.") { Subject = node.ToString(), Remedy = "Ask for TLS." };

    private static InfluxBackupException TlsFailed(MetaNodeAddress node, Exception e) =>
        new("TlsFailed", ErrorKind.Security, $"Meta node {node} could not be authenticated over TLS: {e.Message}", e)
        {
            Subject = node.ToString(),
            Remedy = "Check that the node speaks HTTPS and that its certificate is valid for this name, or skip the certificate check.",
        };

    private static InfluxBackupException Failed(MetaNodeAddress node, string id, string what, Exception? e, bool isTransient) =>
        new(id, ErrorKind.Connection, $"Meta node {node} {what}.", e)
        {
            Subject = node.ToString(),
            IsTransient = isTransient,
            Remedy = id is "MetaNodeUnreachable" or "MetaAnswerLost" ? "Check that influxd-meta runs and that no firewall is in between. " + Ports : null,
        };
}
