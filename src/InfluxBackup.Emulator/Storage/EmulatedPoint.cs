using System.Globalization;
using System.Text;
using InfluxBackup.Tsm;

namespace InfluxBackup.Emulator;

/// <summary>One value of one field.</summary>
/// <param name="Series">The series as it stands in files: measurement and tags in their order, escaped as in line protocol.</param>
/// <param name="Field">The name of the field.</param>
/// <param name="Time">Nanoseconds since 1970.</param>
/// <param name="Value">A <see cref="double"/>, <see cref="long"/>, <see cref="ulong"/>, <see cref="bool"/> or <see cref="string"/>; the same type for all of a field.</param>
public sealed record EmulatedPoint(string Series, string Field, long Time, object Value)
{
    private const ulong FnvOffset = 0xcbf29ce484222325;
    private const ulong FnvPrime = 0x100000001b3;

    internal byte[] Key => [.. Encoding.UTF8.GetBytes(Series), .. TsmKey.Separator, .. Encoding.UTF8.GetBytes(Field)];

    /// <summary>FNV-1a of the series: modulo the number of shards it says which shard of a group is meant.</summary>
    internal ulong Hash
    {
        get
        {
            var hash = FnvOffset;
            foreach (var part in Encoding.UTF8.GetBytes(Series))
            {
                hash = unchecked((hash ^ part) * FnvPrime);
            }

            return hash;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Series} {Field}={Value} {Time}");
}
