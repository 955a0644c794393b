using System.Buffers.Binary;
using Google.Protobuf;

namespace InfluxBackup.Tsm;

/// <summary>
/// Reads which fields the measurements of a shard have, and of which type: <c>fields.idx</c>, and the changes since it was
/// written, <c>fields.idxl</c> (1.11 and later; a new shard has only these).
/// <code>
/// fields.idx     00060103 │ protobuf  { 1: measurement { 1: name, 2: field { 1: name, 2: type } } }
/// fields.idxl    length (8, little-endian) │ protobuf  { 1: change { 1: measurement, 2: field, 3: what } } │ …
/// </code>
/// A server makes both from the points when they are missing, so points can be read and restored without them. Names are bytes,
/// unescaped, and need not be valid UTF-8.
/// Reference: InfluxDB 1.x, <c>tsdb/internal/fieldsindex.proto</c> and <c>tsdb/shard.go</c>.
/// </summary>
public sealed class FieldsIndexFile
{
    private const uint Magic = 0x00060103;
    private const int MagicSize = sizeof(uint);
    private const int LengthSize = sizeof(ulong);

    /// <summary>More than a million measurements take.</summary>
    private const int LargestFile = 256 << 20;

    private const uint FirstMessage = (1 << 3) | 2;
    private const uint FirstName = (1 << 3) | 2;
    private const uint SecondMessage = (2 << 3) | 2;
    private const uint SecondNumber = (2 << 3) | 0;
    private const uint ThirdNumber = (3 << 3) | 0;

    private const int AddField = 0;
    private const int DeleteMeasurement = 1;

    private readonly Dictionary<ByteString, Dictionary<ByteString, TsmBlockType?>> measurements = [];

    private FieldsIndexFile()
    {
    }

    /// <summary>The names of the measurements.</summary>
    public IReadOnlyCollection<ByteString> Measurements => measurements.Keys;

    /// <summary>Set if the log of changes ends in the middle of a record, which is not read: a server ignores it too.</summary>
    public string? Warning { get; private set; }

    /// <summary>The fields of a measurement and their types, null where the type is none that is known. Empty for one that is not there.</summary>
    public IReadOnlyDictionary<ByteString, TsmBlockType?> Fields(ByteString measurement) => measurements.GetValueOrDefault(measurement) ?? [];

    /// <summary>Reads the files of a shard's directory; either may be missing.</summary>
    /// <exception cref="TsmFormatException">One of them is not what it should be; the message names it.</exception>
    public static FieldsIndexFile ReadDirectory(string shardDirectory)
    {
        var index = new FieldsIndexFile();
        foreach (var (name, read) in new (string, Action<byte[], string>)[] { ("fields.idx", index.ReadIndex), ("fields.idxl", index.ReadChanges) })
        {
            var path = Path.Combine(shardDirectory, name);
            if (File.Exists(path))
            {
                read(ReadAll(path), path);
            }
        }
        return index;
    }

    /// <summary>Reads what is in memory already. Empty bytes stand for a file that is not there.</summary>
    public static FieldsIndexFile Parse(byte[] fieldsIdx, byte[] fieldsIdxl, string name)
    {
        var index = new FieldsIndexFile();
        if (fieldsIdx.Length > 0)
        {
            index.ReadIndex(fieldsIdx, name);
        }
        index.ReadChanges(fieldsIdxl, name);
        return index;
    }

    private static byte[] ReadAll(string path)
    {
        var length = new FileInfo(path).Length;
        return length <= LargestFile
            ? File.ReadAllBytes(path)
            : throw new TsmFormatException($"'{path}' has {length} bytes; a field index of more than {LargestFile} is not accepted.");
    }

    private void ReadIndex(byte[] bytes, string name)
    {
        if (bytes.Length < MagicSize || BinaryPrimitives.ReadUInt32BigEndian(bytes) != Magic)
        {
            throw new TsmFormatException($"'{name}' is no field index: it begins with {Convert.ToHexString(bytes.AsSpan(0, Math.Min(MagicSize, bytes.Length)))}, not with {Magic:X8}.");
        }
        Guard(name, 0, () => ReadMeasurements(new CodedInputStream(bytes, MagicSize, bytes.Length - MagicSize)));
    }

    private void ReadChanges(byte[] bytes, string name)
    {
        for (var at = 0; at < bytes.Length;)
        {
            var rest = bytes.Length - at - LengthSize;
            var length = rest < 0 ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
            if (rest < 0 || length > (ulong)rest)
            {
                Warning = $"'{name}' ends in the middle of a record at offset {at}; what was read before it is valid.";
                return;
            }
            var start = at + LengthSize;
            Guard(name, at, () => ReadChangeSet(new CodedInputStream(bytes, start, (int)length)));
            at = start + (int)length;
        }
    }

    private static void Guard(string name, long offset, Action read)
    {
        try
        {
            read();
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new TsmFormatException($"The field index '{name}' is damaged at or after offset {offset}: {e.Message}", offset, e);
        }
    }

    private void ReadMeasurements(CodedInputStream input)
    {
        while (input.ReadTag() is > 0 and var tag)
        {
            if (tag == FirstMessage)
            {
                ReadMeasurement(input.ReadBytes().CreateCodedInput());
            }
            else
            {
                input.SkipLastField();
            }
        }
    }

    private void ReadMeasurement(CodedInputStream input)
    {
        var name = ByteString.Empty;
        var fields = new Dictionary<ByteString, TsmBlockType?>();
        while (input.ReadTag() is > 0 and var tag)
        {
            switch (tag)
            {
                case FirstName:
                    name = input.ReadBytes();
                    break;
                case SecondMessage:
                    var (field, type) = ReadField(input.ReadBytes().CreateCodedInput());
                    fields[field] = type;
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }
        measurements[name] = fields;
    }

    private void ReadChangeSet(CodedInputStream input)
    {
        while (input.ReadTag() is > 0 and var tag)
        {
            if (tag == FirstMessage)
            {
                ReadChange(input.ReadBytes().CreateCodedInput());
            }
            else
            {
                input.SkipLastField();
            }
        }
    }

    private void ReadChange(CodedInputStream input)
    {
        var measurement = ByteString.Empty;
        (ByteString Name, TsmBlockType? Type)? field = null;
        var what = AddField;
        while (input.ReadTag() is > 0 and var tag)
        {
            switch (tag)
            {
                case FirstName:
                    measurement = input.ReadBytes();
                    break;
                case SecondMessage:
                    field = ReadField(input.ReadBytes().CreateCodedInput());
                    break;
                case ThirdNumber:
                    what = input.ReadInt32();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }
        Apply(what, measurement, field);
    }

    private void Apply(int what, ByteString measurement, (ByteString Name, TsmBlockType? Type)? field)
    {
        switch (what)
        {
            case AddField when field is { } added:
                if (!measurements.TryGetValue(measurement, out var fields))
                {
                    measurements[measurement] = fields = [];
                }
                // A field keeps its type; the log may repeat it.
                fields.TryAdd(added.Name, added.Type);
                break;
            case DeleteMeasurement:
                measurements.Remove(measurement);
                break;
            default:
                throw new TsmFormatException($"The log of field changes holds {(what == AddField ? "a change without a field" : $"the unknown change {what}")}.");
        }
    }

    private static (ByteString Name, TsmBlockType? Type) ReadField(CodedInputStream input)
    {
        var (name, type) = (ByteString.Empty, 0);
        while (input.ReadTag() is > 0 and var tag)
        {
            switch (tag)
            {
                case FirstName:
                    name = input.ReadBytes();
                    break;
                case SecondNumber:
                    type = input.ReadInt32();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }
        return (name, TypeOf(type));
    }

    /// <summary>The types as the query language numbers them.</summary>
    private static TsmBlockType? TypeOf(int number) => number switch
    {
        1 => TsmBlockType.Float,
        2 => TsmBlockType.Integer,
        3 => TsmBlockType.String,
        4 => TsmBlockType.Boolean,
        9 => TsmBlockType.Unsigned,
        _ => null,
    };
}
