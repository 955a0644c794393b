using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using IronSnappy;

namespace InfluxBackup.Tests.Wal;

/// <summary>Writes WAL segments, written apart from the reader, after the description of the format.</summary>
internal sealed class WalBuilder
{
    private readonly ArrayBufferWriter<byte> segment = new();

    public byte[] Bytes => segment.WrittenSpan.ToArray();

    public long Length => segment.WrittenCount;

    /// <summary>A write entry of one key.</summary>
    public WalBuilder Write(string key, params (long Time, object Value)[] points) => Write((key, points));

    /// <summary>A write entry of several keys.</summary>
    public WalBuilder Write(params (string Key, (long Time, object Value)[] Points)[] keys)
    {
        var data = new ArrayBufferWriter<byte>();
        foreach (var (key, points) in keys)
        {
            Put(data, 1, points[0].Value switch { double => 1, long => 2, bool => 3, byte[] => 4, string => 4, ulong => 5, _ => throw new ArgumentException("type") });
            var name = Encoding.UTF8.GetBytes(key);
            Put(data, 2, (ulong)name.Length);
            data.Write(name);
            Put(data, 4, (ulong)points.Length);
            foreach (var (time, value) in points)
            {
                Put(data, 8, (ulong)time);
                PutValue(data, value);
            }
        }
        return Entry(1, data.WrittenSpan.ToArray());
    }

    /// <summary>A delete of whole keys, as old servers write it.</summary>
    public WalBuilder Delete(params string[] keys) => Entry(2, Encoding.UTF8.GetBytes(string.Join('\n', keys)));

    public WalBuilder DeleteRange(long min, long max, params string[] keys)
    {
        var data = new ArrayBufferWriter<byte>();
        Put(data, 8, (ulong)min);
        Put(data, 8, (ulong)max);
        foreach (var key in keys.Select(Encoding.UTF8.GetBytes))
        {
            Put(data, 4, (ulong)key.Length);
            data.Write(key);
        }
        return Entry(3, data.WrittenSpan.ToArray());
    }

    /// <summary>An entry of any type with any content.</summary>
    public WalBuilder Entry(byte type, byte[] data) => Packed(type, data.Length == 0 ? [0] : Snappy.Encode(data));

    /// <summary>An entry of any type whose content is packed already, or pretends to be.</summary>
    public WalBuilder Packed(byte type, byte[] packed)
    {
        Put(segment, 1, type);
        Put(segment, 4, (ulong)packed.Length);
        segment.Write(packed);
        return this;
    }

    /// <summary>Bytes that are no entry.</summary>
    public WalBuilder Raw(params byte[] bytes)
    {
        segment.Write(bytes);
        return this;
    }

    public string Save(string path)
    {
        File.WriteAllBytes(path, Bytes);
        return path;
    }

    private static void PutValue(ArrayBufferWriter<byte> data, object value)
    {
        switch (value)
        {
            case double d:
                Put(data, 8, BitConverter.DoubleToUInt64Bits(d));
                break;
            case long n:
                Put(data, 8, (ulong)n);
                break;
            case ulong n:
                Put(data, 8, n);
                break;
            case bool b:
                Put(data, 1, b ? 1UL : 0UL);
                break;
            case string or byte[]:
                var text = value as byte[] ?? Encoding.UTF8.GetBytes((string)value);
                Put(data, 4, (ulong)text.Length);
                data.Write(text);
                break;
        }
    }

    private static void Put(ArrayBufferWriter<byte> data, int size, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        data.Write(bytes[(8 - size)..]);
    }
}
