using InfluxBackup.Tsm;

namespace InfluxBackup.Operations.Checks;

/// <summary>
/// A field of a measurement has one type in all series and files of a shard. A server refuses to open a shard where it has two. As many
/// fields are remembered as the shard has, which every server holds in memory too.
/// </summary>
internal sealed class FieldTypeConflictCheck : KeyCheck
{
    /// <summary>No schema comes near this.</summary>
    private const int MostFields = 500_000;

    private readonly Dictionary<KeyBytes, (TsmBlockType Type, string File)> types = new(KeyBytes.Comparer);
    private byte[] scratch = new byte[256];

    public override void OnKey(string file, ReadOnlySpan<byte> key, TsmBlockType type, in TsmKeySummary summary, Findings findings)
    {
        if (!TsmKey.TrySplit(key, out var series, out var field))
        {
            return;
        }

        var measurement = TsmKey.MeasurementOf(series);
        var name = Join(measurement, field);
        if (!types.TryGetValue(name, out var known))
        {
            if (types.Count < MostFields)
            {
                types.Add(name.Copy(), (type, file));
            }
        }
        else if (known.Type != type)
        {
            var message = $"Field '{TsmKey.Readable(field)}' of measurement '{TsmKey.Readable(measurement)}' is {type.Describe()} in '{file}', series {TsmKey.Readable(series)}, " +
                $"and {known.Type.Describe()} before, first in '{known.File}'. No server opens a shard that has one field with two types.";
            findings.Add(At(findings.Error(Id, message), file, key, summary));
        }
    }

    /// <summary>A comma can't end a measurement, so that no two pairs give the same bytes.</summary>
    private KeyBytes Join(ReadOnlySpan<byte> measurement, ReadOnlySpan<byte> field)
    {
        var length = measurement.Length + 1 + field.Length;
        if (scratch.Length < length)
        {
            scratch = new byte[2 * length];
        }

        measurement.CopyTo(scratch);
        scratch[measurement.Length] = (byte)',';
        field.CopyTo(scratch.AsSpan(measurement.Length + 1));
        return new KeyBytes(scratch, length);
    }
}
