using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace InfluxBackup.Snapshotter;

/// <summary>
/// The JSON request of servers 1.5 and later. All fields are always sent, in the order of the official client; the server
/// goes by the type byte and ignores fields that it does not know.
/// </summary>
public sealed record SnapshotterRequest(SnapshotterRequestType Type)
{
    /// <summary>Go's zero time, which stands for "not given".</summary>
    public const string ZeroTime = "0001-01-01T00:00:00Z";

    public string BackupDatabase { get; init; } = "";

    public string RestoreDatabase { get; init; } = "";

    public string BackupRetentionPolicy { get; init; } = "";

    public string RestoreRetentionPolicy { get; init; } = "";

    public ulong ShardId { get; init; }

    /// <summary>RFC 3339; only files modified strictly after it are sent.</summary>
    public string Since { get; init; } = ZeroTime;

    /// <summary>RFC 3339; inclusive.</summary>
    public string ExportStart { get; init; } = ZeroTime;

    /// <summary>RFC 3339; inclusive.</summary>
    public string ExportEnd { get; init; } = ZeroTime;

    /// <summary>Bytes of metadata that follow the request.</summary>
    public long UploadSize { get; init; }

    /// <summary>A time as the service reads it, UTC with seven digits of fraction.</summary>
    public static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);

    /// <summary>
    /// Mux header, type byte, JSON, newline and payload in one piece: servers before 1.8.8 read each part with a single read
    /// and lose what has not arrived by then, so all of it has to leave in one write.
    /// </summary>
    public byte[] ToBytes(ReadOnlySpan<byte> payload = default)
    {
        var buffer = new ArrayBufferWriter<byte>(512 + payload.Length);
        buffer.Write([SnapshotterProtocol.MuxHeader, (byte)Type]);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("Type", (int)Type);
            json.WriteString("BackupDatabase", BackupDatabase);
            json.WriteString("RestoreDatabase", RestoreDatabase);
            json.WriteString("BackupRetentionPolicy", BackupRetentionPolicy);
            json.WriteString("RestoreRetentionPolicy", RestoreRetentionPolicy);
            json.WriteNumber("ShardID", ShardId);
            json.WriteString("Since", Since);
            json.WriteString("ExportStart", ExportStart);
            json.WriteString("ExportEnd", ExportEnd);
            json.WriteNumber("UploadSize", UploadSize);
            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        buffer.Write(payload);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads the JSON of a request as a server does: unknown fields are ignored, missing ones take their zero value.</summary>
    /// <exception cref="JsonException">The bytes are not a JSON object.</exception>
    public static SnapshotterRequest Parse(SnapshotterRequestType type, ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json);
        var request = new SnapshotterRequest(type);
        foreach (var field in document.RootElement.EnumerateObject())
        {
            var value = field.Value;
            request = field.Name.ToUpperInvariant() switch
            {
                "BACKUPDATABASE" => request with { BackupDatabase = value.GetString() ?? "" },
                "RESTOREDATABASE" => request with { RestoreDatabase = value.GetString() ?? "" },
                "BACKUPRETENTIONPOLICY" => request with { BackupRetentionPolicy = value.GetString() ?? "" },
                "RESTORERETENTIONPOLICY" => request with { RestoreRetentionPolicy = value.GetString() ?? "" },
                "SHARDID" => request with { ShardId = value.GetUInt64() },
                "SINCE" => request with { Since = value.GetString() ?? ZeroTime },
                "EXPORTSTART" => request with { ExportStart = value.GetString() ?? ZeroTime },
                "EXPORTEND" => request with { ExportEnd = value.GetString() ?? ZeroTime },
                "UPLOADSIZE" => request with { UploadSize = value.GetInt64() },
                _ => request,
            };
        }

        return request;
    }
}
