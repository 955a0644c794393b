using System.Globalization;
using System.Text.Json;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Snapshotter;

/// <summary>
/// Answer to a database or retention policy info request: <c>{"Paths":["db/rp/1","db/rp/3"]}\n</c>, or <c>{"Paths":null}\n</c>
/// where the node holds no such shard. A Windows server separates with backslashes.
/// </summary>
public static class ShardPathList
{
    /// <summary>Reads the answer.</summary>
    /// <exception cref="InfluxBackupException">It is not the JSON that is expected here.</exception>
    public static IReadOnlyList<ShardKey> Parse(ReadOnlyMemory<byte> json, string host)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var paths = document.RootElement.GetProperty("Paths");
            return paths.ValueKind == JsonValueKind.Null
                ? []
                : paths.EnumerateArray().Select(path => ParsePath(path.GetString() ?? "", host)).ToList();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new InfluxBackupException(
                "ShardListDamaged", ErrorKind.InvalidData, $"The list of shards that {host} sent can't be read: {e.Message}", e)
            {
                Subject = host,
                IsTransient = true,
            };
        }
    }

    /// <summary>The answer as a server sends it.</summary>
    public static byte[] ToBytes(IReadOnlyCollection<ShardKey> shards)
    {
        var body = new Dictionary<string, string[]?> { ["Paths"] = shards.Count == 0 ? null : shards.Select(s => s.Path).ToArray() };
        return [.. JsonSerializer.SerializeToUtf8Bytes(body), (byte)'\n'];
    }

    // Names can hold neither kind of slash, so three parts are certain.
    private static ShardKey ParsePath(string path, string host)
    {
        var parts = path.Split('/', '\\');
        return parts.Length == 3 && ulong.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? new ShardKey(parts[0], parts[1], id)
            : throw new InfluxBackupException(
                "ShardListDamaged", ErrorKind.InvalidData, $"{host} names a shard '{path}', which is not database, policy and shard id.")
            {
                Subject = host,
            };
    }
}
