using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace InfluxBackup.Cli.Output;

/// <summary>Objects as lines: camelCase, enumerations by name, lengths of time in seconds, times in UTC.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        // The lines go into logs and to jq, never into HTML: names in any script stay readable.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(), new SecondsConverter() },
    };

    public static string Line(object shape) => JsonSerializer.Serialize(shape, shape.GetType(), Options);

    public static object Of(InfluxBackupException error) => new
    {
        id = error.Id,
        kind = error.Kind,
        message = error.Message,
        subject = error.Subject,
        remedy = error.Remedy,
    };

    private sealed class SecondsConverter : JsonConverter<TimeSpan>
    {
        public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            TimeSpan.FromSeconds(reader.GetDouble());

        public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) =>
            writer.WriteNumberValue(Math.Round(value.TotalSeconds, 3));
    }
}
