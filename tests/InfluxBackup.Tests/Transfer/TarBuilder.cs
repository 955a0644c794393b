using System.Globalization;
using System.Text;

namespace InfluxBackup.Tests.Transfer;

/// <summary>Writes tar streams field by field, right ones and wrong ones.</summary>
internal sealed class TarBuilder
{
    public const int Block = 512;

    private readonly List<byte> bytes = [];

    public long Length => bytes.Count;

    /// <summary>An entry with its data, padded. The size in the header is that of the data unless given.</summary>
    public TarBuilder Entry(string name, byte[] data, char type = '0', long? size = null)
    {
        bytes.AddRange(Header(name, size ?? data.Length, type));
        bytes.AddRange(data);
        bytes.AddRange(new byte[(Block - (data.Length % Block)) % Block]);
        return this;
    }

    /// <summary>PAX records for the next entry.</summary>
    public TarBuilder Pax(params (string Key, string Value)[] records)
    {
        var body = records.SelectMany(r =>
        {
            var rest = Encoding.UTF8.GetByteCount($" {r.Key}={r.Value}\n");
            var length = rest + 1;
            while (rest + length.ToString(CultureInfo.InvariantCulture).Length != length)
            {
                length++;
            }

            return Encoding.UTF8.GetBytes($"{length} {r.Key}={r.Value}\n");
        });
        return Entry("PaxHeaders.0/x", body.ToArray(), 'x');
    }

    /// <summary>A GNU long name for the next entry.</summary>
    public TarBuilder LongName(string name) => Entry("././@LongLink", [.. Encoding.UTF8.GetBytes(name), 0], 'L');

    public TarBuilder Zeros(int blocks = 2)
    {
        bytes.AddRange(new byte[blocks * Block]);
        return this;
    }

    public TarBuilder Raw(byte[] data)
    {
        bytes.AddRange(data);
        return this;
    }

    public byte[] ToArray() => [.. bytes];

    /// <summary>Something that begins and ends like a TSM file.</summary>
    public static byte[] Tsm(int size = 64, byte fill = 0xaa)
    {
        var tsm = new byte[size];
        tsm.AsSpan().Fill(fill);
        new byte[] { 0x16, 0xd1, 0x16, 0xd1, 0x01 }.CopyTo(tsm, 0);
        new byte[] { 0, 0, 0, 0, 0, 0, 0, 5 }.CopyTo(tsm, size - 8);
        return tsm;
    }

    /// <summary>An archive of a shard with one TSM file, whole and sound.</summary>
    public static byte[] Shard(InfluxBackup.Metadata.ShardKey shard, int size = 64, byte fill = 0xaa) =>
        new TarBuilder().Entry($"{shard.Path}/000000001-000000001.tsm", Tsm(size, fill)).Zeros().ToArray();

    private static byte[] Header(string name, long size, char type)
    {
        var header = new byte[Block];
        Encoding.UTF8.GetBytes(name).CopyTo(header, 0);
        Put(header, 100, "0000644\0");
        Put(header, 108, "0000000\0");
        Put(header, 116, "0000000\0");
        Put(header, 124, Convert.ToString(size, 8).PadLeft(11, '0') + "\0");
        Put(header, 136, Convert.ToString(1_700_000_000, 8).PadLeft(11, '0') + "\0");
        Put(header, 148, "        ");
        header[156] = (byte)type;
        Put(header, 257, "ustar\000");
        Put(header, 148, Convert.ToString(header.Sum(b => b), 8).PadLeft(6, '0') + "\0 ");
        return header;
    }

    private static void Put(byte[] header, int at, string text) => Encoding.ASCII.GetBytes(text).CopyTo(header, at);
}
