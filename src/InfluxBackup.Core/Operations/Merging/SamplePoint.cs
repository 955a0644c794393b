using InfluxBackup.Tsm;

namespace InfluxBackup.Operations;

/// <summary>One point of a shard, as it stands after all its files and deletes: one value of one field of one series.</summary>
/// <param name="Series">The series key as stored, escaped as in line protocol.</param>
/// <param name="Field">The field's name, not escaped.</param>
/// <param name="Type">What the value is.</param>
/// <param name="Time">Nanoseconds since 1970.</param>
/// <param name="Line">The point as line protocol, with the line feed; empty where line protocol has no form for it, or where it would be written into another shard.</param>
internal sealed record SamplePoint(byte[] Series, byte[] Field, TsmBlockType Type, long Time, ReadOnlyMemory<byte> Line)
{
    public bool IsWritable => !Line.IsEmpty;

    /// <summary>Measurement and field as users write them.</summary>
    public FieldName Name => FieldName.Of(TsmKey.MeasurementOf(Series), Field);
}
