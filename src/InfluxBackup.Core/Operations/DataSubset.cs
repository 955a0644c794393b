using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using InfluxBackup.Metadata;

namespace InfluxBackup.Operations;

/// <summary>
/// A share of the shards, to be read by one of several tests. <c>3/30</c> is the third part of thirty: each shard is in one part, always
/// the same one, so that thirty tests read everything once, also when backups are added between them. <c>10%</c> is a tenth, drawn anew
/// each time.
/// </summary>
public sealed record DataSubset
{
    private const int MostParts = 100_000;

    private readonly int part;
    private readonly int parts;
    private readonly double percent;

    private DataSubset(int part, int parts, double percent) => (this.part, this.parts, this.percent) = (part, parts, percent);

    /// <summary>Reads <c>3/30</c> or <c>10%</c>.</summary>
    /// <exception cref="InfluxBackupException">It is neither.</exception>
    public static DataSubset Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var trimmed = text.AsSpan().Trim();
        if (trimmed.EndsWith("%")
            && double.TryParse(trimmed[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent))
        {
            return percent is > 0 and <= 100 ? new DataSubset(0, 0, percent) : throw Invalid(text, "A percentage is more than 0 and at most 100.");
        }

        var slash = trimmed.IndexOf('/');
        if (slash > 0 && TryParse(trimmed[..slash], out var part) && TryParse(trimmed[(slash + 1)..], out var parts))
        {
            return parts is > 0 and <= MostParts && part >= 1 && part <= parts
                ? new DataSubset(part, parts, 0)
                : throw Invalid(text, string.Create(CultureInfo.InvariantCulture, $"The parts count from 1 up to their number, which is at most {MostParts}."));
        }

        throw Invalid(text, "It is neither a part such as 3/30 nor a percentage such as 10%.");
    }

    /// <summary>The shards of this share.</summary>
    public IReadOnlyCollection<ShardKey> Choose(IReadOnlyCollection<ShardKey> shards)
    {
        ArgumentNullException.ThrowIfNull(shards);
        if (parts > 0)
        {
            return shards.Where(s => PartOf(s) == part).ToHashSet();
        }

        var drawn = shards.ToArray();
#pragma warning disable CA5394 // A sample; nobody gains from knowing it beforehand.
        Random.Shared.Shuffle(drawn);
#pragma warning restore CA5394
        return drawn.Take((int)Math.Ceiling(drawn.Length * percent / 100)).ToHashSet();
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(parts > 0 ? $"{part}/{parts}" : $"{percent}%")}");

    /// <summary>By the name alone, the same for ever and on every machine. Ids alone would follow the rhythm in which databases make shards.</summary>
    private int PartOf(ShardKey shard)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(shard.Path));
        return 1 + (int)(BinaryPrimitives.ReadUInt64BigEndian(hash) % (ulong)parts);
    }

    private static bool TryParse(ReadOnlySpan<char> text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static InfluxBackupException Invalid(string text, string why) =>
        new("DataSubsetInvalid", ErrorKind.InvalidArgument, $"'{text}' is no share of the shards. {why}")
        {
            Subject = text,
            Remedy = "Give for instance 3/30 for the third of thirty parts, or 10% for a tenth chosen at random.",
        };
}
