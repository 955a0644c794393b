using System.Globalization;
using System.Text;

namespace InfluxBackup.Emulator;

/// <summary>
/// The header blocks of one tar entry, byte for byte as Go's archive/tar writes them for a server. Tar libraries fill the
/// device, owner and PAX fields in other ways, which readers accept as well, but a test of a reader should see the real thing.
/// <code>
/// offset 0 name 100 | 100 mode 8 | 108 uid 8 | 116 gid 8 | 124 size 12 | 136 mtime 12 | 148 checksum 8 | 156 type 1
/// 157 link 100 | 257 "ustar\0" "00" | 265 user 32 | 297 group 32 | 329 major 8 | 337 minor 8 | 345 prefix 155
/// </code>
/// Numbers are octal digits and a NUL. A name that is not ASCII or that can't be split at a slash into prefix and name, and a
/// size beyond 11 octal digits, go into a PAX record in an entry of type <c>x</c> ahead.
/// </summary>
internal static class UstarHeader
{
    public const int BlockSize = 512;
    private const int NameSize = 100;
    private const int PrefixSize = 155;
    private const long LargestOctal = 0x1_FFFF_FFFF; // 11 octal digits

    /// <summary>The header, with the PAX entry ahead where one is needed.</summary>
    public static byte[] Create(string name, long size, DateTime modifiedUtc, int mode)
    {
        var records = new StringBuilder();
        var fits = TrySplit(name, out var prefix, out var shortName);
        if (!fits)
        {
            records.Append(Record("path", name));
            (prefix, shortName) = ("", Ascii(name));
        }

        if (size > LargestOctal)
        {
            records.Append(Record("size", size.ToString(CultureInfo.InvariantCulture)));
        }

        // The server rounds; it does not cut off.
        var seconds = (long)Math.Round((modifiedUtc - DateTime.UnixEpoch).TotalSeconds, MidpointRounding.AwayFromZero);
        var header = Block(shortName, mode, size > LargestOctal ? 0 : size, seconds, (byte)'0');
        Put(header, 265, "root");
        Put(header, 297, "root");
        PutOctal(header, 329, 8, 0);
        PutOctal(header, 337, 8, 0);
        Put(header, 345, prefix);
        Seal(header);
        return records.Length == 0 ? header : [.. PaxEntry(name, records.ToString()), .. header];
    }

    private static byte[] PaxEntry(string name, string records)
    {
        var content = Encoding.UTF8.GetBytes(records);
        var slash = name.LastIndexOf('/');
        var header = Block(Ascii($"{name[..(slash + 1)]}PaxHeaders.0/{name[(slash + 1)..]}"), 0, content.Length, 0, (byte)'x');
        Seal(header);
        Array.Resize(ref content, (content.Length + BlockSize - 1) / BlockSize * BlockSize);
        return [.. header, .. content];
    }

    private static byte[] Block(string name, int mode, long size, long seconds, byte type)
    {
        var block = new byte[BlockSize];
        Put(block, 0, name.Length > NameSize ? name[..NameSize].TrimEnd('/') : name);
        PutOctal(block, 100, 8, mode);
        PutOctal(block, 108, 8, 0);
        PutOctal(block, 116, 8, 0);
        PutOctal(block, 124, 12, size);
        PutOctal(block, 136, 12, seconds);
        block[156] = type;
        Put(block, 257, "ustar\0" + "00");
        return block;
    }

    /// <summary>The sum of all bytes, with the checksum field itself taken as spaces: six digits, NUL, space.</summary>
    private static void Seal(byte[] block)
    {
        block.AsSpan(148, 8).Fill((byte)' ');
        PutOctal(block, 148, 7, block.Sum(b => b));
    }

    private static bool TrySplit(string name, out string prefix, out string rest)
    {
        (prefix, rest) = ("", name);
        if (!Ascii(name).Equals(name, StringComparison.Ordinal))
        {
            return false;
        }

        if (name.Length <= NameSize)
        {
            return true;
        }

        var slash = name[..Math.Min(name.Length, PrefixSize + 1)].LastIndexOf('/');
        if (slash <= 0 || name.Length - slash - 1 is 0 or > NameSize)
        {
            return false;
        }

        (prefix, rest) = (name[..slash], name[(slash + 1)..]);
        return true;
    }

    private static string Ascii(string name) => string.Concat(name.Where(c => c is > '\0' and < '\x80'));

    /// <summary><c>length key=value\n</c>, where the length counts its own digits.</summary>
    private static string Record(string key, string value)
    {
        var rest = Encoding.UTF8.GetByteCount($" {key}={value}\n");
        var length = rest + 1;
        while (rest + length.ToString(CultureInfo.InvariantCulture).Length != length)
        {
            length++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{length} {key}={value}\n");
    }

    private static void Put(byte[] block, int offset, string text) => Encoding.ASCII.GetBytes(text, block.AsSpan(offset));

    private static void PutOctal(byte[] block, int offset, int size, long value) =>
        Put(block, offset, Convert.ToString(value, 8).PadLeft(size - 1, '0') + '\0');
}
