using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using InfluxBackup.Metadata;
using Microsoft.Extensions.Logging;

namespace InfluxBackup.Cluster;

/// <summary>
/// The HTTP API of a cluster's meta nodes, as <c>influxd-ctl</c> uses it. Any of the nodes will do, and some may be down; what only the
/// leader may do reaches the leader.
/// </summary>
/// <param name="nodes">At least one.</param>
public sealed class MetaNodeClient(IReadOnlyList<MetaNodeAddress> nodes, MetaNodeOptions options, ILogger logger) : IDisposable
{
    /// <summary>
    /// What a node says that began and lost its office meanwhile (another leader may have it done, or not), and what one says that never
    /// began.
    /// </summary>
    private static readonly string[] OutOfOffice =
        ["leadership lost while committing log", "timed out enqueuing operation", "raft is already shutdown", "leadership transfer in progress"];

    /// <summary>How long the slower nodes have, once one has told its metadata.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly MetaNodeTransport transport = new(
        nodes.Count > 0 ? nodes.Distinct().ToList() : throw new ArgumentException("A cluster has a meta node.", nameof(nodes)), options, logger);

    private readonly object gate = new();
    private ulong seenIndex;
    private volatile bool takesCommands;

    /// <summary>For messages: <c>meta node a:8091</c>, <c>meta nodes a:8091, b:8091</c>.</summary>
    public string Name { get; } = $"meta node{(nodes.Count > 1 ? "s" : "")} {string.Join(", ", nodes)}";

    /// <inheritdoc/>
    public void Dispose() => transport.Dispose();

    /// <summary>
    /// The cluster's metadata: the newest that the nodes have, and never older than the last change this client has made or than what it
    /// has seen: a node that lags behind, or is cut off from the others, would make a shard look dropped that is only new.
    /// </summary>
    /// <exception cref="InfluxBackupException">No node tells, or the nodes are not of one cluster.</exception>
    public async Task<ClusterMetadata> ReadMetadataAsync(CancellationToken cancel)
    {
        ulong least;
        lock (gate)
        {
            least = seenIndex;
        }

        // A node whose own index is not above the one given answers when it is: followers are some milliseconds behind.
        var path = string.Create(CultureInfo.InvariantCulture, $"/?index={(least == 0 ? 0 : least - 1)}");
        var limit = least == 0 || options.Timeout < options.Patience ? options.Timeout : options.Patience;
        var replies = await transport.AskEachAsync(new MetaRequest(path), limit, Grace, cancel).ConfigureAwait(false);
        var all = replies.Select(r => (r.Node, Metadata: Metadata(r))).ToList();
        var newest = all.MaxBy(m => m.Metadata.Index);
        if (all.FirstOrDefault(m => m.Metadata.Metadata.Data.ClusterID != newest.Metadata.Metadata.Data.ClusterID) is { Node: { } stranger })
        {
            throw new InfluxBackupException(
                "MetaNodesDiffer", ErrorKind.InvalidArgument, $"Meta nodes {newest.Node} and {stranger} belong to different clusters.")
            {
                Subject = stranger.ToString(),
                Remedy = "Name the meta nodes of one cluster.",
            };
        }

        NotOlderThan(newest.Metadata.Index);
        return newest.Metadata;
    }

    /// <summary>Metadata older than these are not taken for an answer from now on.</summary>
    public void NotOlderThan(ulong index)
    {
        lock (gate)
        {
            seenIndex = Math.Max(seenIndex, index);
        }
    }

    /// <summary>The nodes of the cluster.</summary>
    public async Task<ClusterNodes> ReadNodesAsync(CancellationToken cancel) =>
        await ReadJsonAsync("/show-cluster", ClusterReplies.Nodes, cancel).ConfigureAwait(false);

    /// <summary>The shards of the cluster and their owners, without those of deleted and expired groups.</summary>
    /// <param name="verbose">
    /// The meta node asks all data nodes for state, size and last change of their shards. It waits some seconds for one that is down.
    /// </param>
    public async Task<IReadOnlyList<ClusterShard>> ReadShardsAsync(bool verbose, CancellationToken cancel) =>
        await ReadJsonAsync(verbose ? "/show-shards?verbose=true" : "/show-shards", ClusterReplies.Shards, cancel).ConfigureAwait(false);

    /// <summary>
    /// Changes the metadata, and waits for it. Where the answer is lost because the leader changes, the command is given again. Returns
    /// the index of the metadata after the change.
    /// </summary>
    /// <exception cref="InfluxBackupException">
    /// <c>MetaCommandRefused</c> with the server's words; <c>NoLeader</c>; <c>MetaCommandsUnknown</c> where the cluster is not one that is
    /// known to take commands.
    /// </exception>
    public async Task<ulong> ExecuteAsync(MetaCommand command, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(command);
        var request = new MetaRequest("/execute", command.ToSafeBytes());
        logger.LogDebug("Meta node: {Command}", command.Description);
        await RequireCommandsAsync(cancel).ConfigureAwait(false);
        var reply = await transport.AskAsync(request, HasToBeRepeated, cancel).ConfigureAwait(false);
        var response = Response(reply);
        if (response.HasError)
        {
            // Perhaps refused only because it is there already: the answer to the first try may have been lost.
            var metadata = command.Type == MetaCommandType.CreateUser ? await ReadMetadataAsync(cancel).ConfigureAwait(false) : null;
            return metadata is not null && command.WasCarriedOut(metadata.Metadata)
                ? metadata.Index
                : throw MetaNodeErrors.Refused(reply.Node, command, response.Error);
        }

        NotOlderThan(response.Index);
        return response.Index;
    }

    /// <summary>
    /// Takes or renews a lease, which ends by itself after a minute. It lives in the leader's memory: with a new leader all leases are free.
    /// </summary>
    /// <param name="nodeId">Who takes it. The same id gets it again at once, so each claimant needs its own.</param>
    /// <returns>False while somebody else has it.</returns>
    public async Task<bool> TryTakeLeaseAsync(string name, ulong nodeId, CancellationToken cancel)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"/lease?name={Uri.EscapeDataString(name)}&nodeid={nodeId}");
        var reply = await transport.AskAsync(new MetaRequest(path), cancel).ConfigureAwait(false);
        return reply.Status switch
        {
            HttpStatusCode.OK when reply.MetaIndex is not null => true,
            HttpStatusCode.Conflict => false,
            _ => throw MetaNodeErrors.Explain(reply, "/lease"),
        };
    }

    /// <summary>The leader as the meta nodes call it among themselves (<see cref="ClusterMetaNode.RaftAddress"/>); null while there is none.</summary>
    public async Task<string?> ReadLeaderAsync(CancellationToken cancel)
    {
        var leader = Encoding.UTF8.GetString((await PingAsync(cancel).ConfigureAwait(false)).Body).Trim();
        return leader.Length == 0 ? null : leader;
    }

    /// <summary>The version of the node that answers first; null where it tells none.</summary>
    public async Task<string?> ReadVersionAsync(CancellationToken cancel) => (await PingAsync(cancel).ConfigureAwait(false)).Version;

    private async Task<MetaReply> PingAsync(CancellationToken cancel)
    {
        var reply = await transport.AskAsync(new MetaRequest("/ping"), cancel).ConfigureAwait(false);
        return reply.Status == HttpStatusCode.OK && reply.MetaIndex is not null ? reply : throw MetaNodeErrors.Explain(reply, "/ping");
    }

    /// <summary>Makes sure that all meta nodes are of a kind that commands are known of. A node that is down names no version; it runs what the others run.</summary>
    /// <exception cref="InfluxBackupException"><c>MetaCommandsUnknown</c>.</exception>
    public async Task RequireCommandsAsync(CancellationToken cancel)
    {
        if (takesCommands)
        {
            return;
        }

        var reply = await transport.AskAsync(new MetaRequest("/show-cluster"), cancel).ConfigureAwait(false);
        var nodes = Json(reply, "/show-cluster", ClusterReplies.Nodes).MetaNodes;
        if (!MetaCommandSupport.IsKnown(reply.Version))
        {
            throw MetaCommandSupport.Unknown($"Meta node {reply.Node}", reply.Version);
        }

        if (nodes.FirstOrDefault(n => n.Version.Length > 0 && !MetaCommandSupport.IsKnown(n.Version)) is { } other)
        {
            throw MetaCommandSupport.Unknown($"Meta node {other.HttpAddress}", other.Version);
        }

        takesCommands = true;
    }

    private async Task<T> ReadJsonAsync<T>(string path, Func<byte[], T> read, CancellationToken cancel) =>
        Json(await transport.AskAsync(new MetaRequest(path), cancel).ConfigureAwait(false), path, read);

    private static T Json<T>(MetaReply reply, string path, Func<byte[], T> read)
    {
        if (reply.Status != HttpStatusCode.OK)
        {
            throw MetaNodeErrors.Explain(reply, path);
        }

        try
        {
            return read(reply.Body);
        }
        catch (JsonException e)
        {
            throw reply.MetaIndex is null
                ? MetaNodeErrors.NotAMetaNode(reply, e)
                : new InfluxBackupException("MetaAnswerDamaged", ErrorKind.InvalidData, $"Meta node {reply.Node} answers {path} in a form that is not known here: {e.Message}", e)
                {
                    Subject = reply.Node.ToString(),
                };
        }
    }

    private static ClusterMetadata Metadata(MetaReply reply)
    {
        if (reply.Status != HttpStatusCode.OK || (reply.Body.Length == 0 && reply.MetaIndex is null))
        {
            throw MetaNodeErrors.Explain(reply, "/");
        }

        try
        {
            var metadata = ServerMetadata.Parse(reply.Body, $"meta node {reply.Node}");
            return new ClusterMetadata(reply.Body, metadata, metadata.Data.Index);
        }
        catch (InfluxBackupException e) when (reply.MetaIndex is null)
        {
            throw MetaNodeErrors.NotAMetaNode(reply, e);
        }
    }

    private static MetaResponse Response(MetaReply reply)
    {
        if (reply.Status != HttpStatusCode.OK)
        {
            throw MetaNodeErrors.Explain(reply, "/execute");
        }

        try
        {
            var response = MetaResponse.Parser.ParseFrom(reply.Body);
            // Neither an error nor an index is no answer at all: something else listens there.
            return response.HasError || response.HasIndex ? response : throw MetaNodeErrors.NotAMetaNode(reply);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw MetaNodeErrors.NotAMetaNode(reply, e);
        }
    }

    /// <summary>Whether the node answered in form, but only that it does not lead (any more).</summary>
    private static bool HasToBeRepeated(MetaReply reply) =>
        reply.Status == HttpStatusCode.OK && reply.MetaIndex is not null && OutOfOffice.Contains(Response(reply).Error);
}
