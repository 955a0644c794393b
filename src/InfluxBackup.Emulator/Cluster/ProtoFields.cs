using System.Text;

namespace InfluxBackup.Emulator;

/// <summary>
/// The fields of one protobuf message, read without generated code, so that a client's mistake in its own description of the
/// messages shows.
/// <code>
/// tag (varint: field number &lt;&lt; 3 | wire type), then 0: varint, 1: 8 bytes, 2: length (varint) and bytes, 5: 4 bytes
/// </code>
/// </summary>
internal sealed class ProtoFields
{
    private readonly List<(int Number, ulong Value, byte[]? Bytes)> fields = [];

    private ProtoFields()
    {
    }

    /// <exception cref="ProtoException">The bytes are no message; the text is that of Go's reader.</exception>
    public static ProtoFields Parse(ReadOnlySpan<byte> message)
    {
        var parsed = new ProtoFields();
        for (var at = 0; at < message.Length;)
        {
            var tag = ReadVarint(message, ref at);
            var number = (int)(tag >> 3);
            switch (tag & 7)
            {
                case 0:
                    parsed.fields.Add((number, ReadVarint(message, ref at), null));
                    break;
                case 1:
                    Skip(message, ref at, 8);
                    break;
                case 2:
                    var length = ReadVarint(message, ref at);
                    var start = at;
                    Skip(message, ref at, length);
                    parsed.fields.Add((number, 0, message[start..at].ToArray()));
                    break;
                case 5:
                    Skip(message, ref at, 4);
                    break;
                default:
                    throw new ProtoException($"proto: illegal wireType {tag & 7}");
            }
        }

        return parsed;
    }

    public bool Has(int number) => fields.Exists(f => f.Number == number);

    /// <summary>A required string.</summary>
    public string Text(int number) => Encoding.UTF8.GetString(Bytes(number));

    /// <summary>A required number that must not be negative.</summary>
    public ulong Unsigned(int number) => Last(number) is { Bytes: null } field ? field.Value : throw Missing(number);

    /// <summary>A required number.</summary>
    public long Signed(int number) => unchecked((long)Unsigned(number));

    public bool Flag(int number) => Unsigned(number) != 0;

    /// <summary>A required message within this one.</summary>
    public ProtoFields Message(int number) => Parse(Bytes(number));

    /// <summary>A required string or message, as it is.</summary>
    public byte[] Bytes(int number) => Last(number)?.Bytes ?? throw Missing(number);

    /// <summary>All values of a repeated string.</summary>
    public IEnumerable<string> Texts(int number) => fields.Where(f => f.Number == number && f.Bytes is not null).Select(f => Encoding.UTF8.GetString(f.Bytes!));

    private static ProtoException Missing(int number) => new($"proto: required field {number} not set");

    private static ulong ReadVarint(ReadOnlySpan<byte> message, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (at >= message.Length)
            {
                throw new ProtoException("unexpected EOF");
            }

            var part = message[at++];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
            {
                return value;
            }
        }

        throw new ProtoException("proto: integer overflow");
    }

    private static void Skip(ReadOnlySpan<byte> message, ref int at, ulong count)
    {
        if (count > (ulong)(message.Length - at))
        {
            throw new ProtoException("unexpected EOF");
        }

        at += (int)count;
    }

    private (int Number, ulong Value, byte[]? Bytes)? Last(int number)
    {
        var index = fields.FindLastIndex(f => f.Number == number);
        return index < 0 ? null : fields[index];
    }
}

/// <summary>Bytes are not the message that they should be.</summary>
internal sealed class ProtoException(string message) : Exception(message);
