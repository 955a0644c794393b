using System.Buffers;
using System.Globalization;
using System.Text;
using ICSharpCode.SharpZipLib.Tar;

namespace InfluxBackup.Transfer;

/// <summary>
/// Writes what stands around the data of a file in a shard archive: a POSIX ustar header, before it a PAX record where the name is
/// long or not ASCII, and the zeros behind the data. <see cref="TarScanner"/> reads them.
/// </summary>
public static class TarEntryWriter
{
    private const int NameField = 100;
    private const int FileMode = 0x1A4; // 0644

    /// <summary>Writes the header of a file. Its data follow, then <see cref="WritePadding"/>.</summary>
    /// <param name="output">Takes the bytes.</param>
    /// <param name="path">Name in the archive, with forward slashes.</param>
    /// <param name="size">Bytes of data.</param>
    /// <param name="modified">UTC.</param>
    public static void WriteHeader(IBufferWriter<byte> output, string path, long size, DateTime modified)
    {
        var bytes = Encoding.UTF8.GetBytes(path);
        if (bytes.Length > NameField || !Ascii.IsValid(bytes))
        {
            WriteExtendedHeader(output, bytes, modified);
            path = Ascii.IsValid(bytes) ? path[^NameField..] : path[(path.LastIndexOf('/') + 1)..];
        }

        WriteHeader(output, path, size, TarHeader.LF_NORMAL, modified);
    }

    /// <summary>Writes the zeros that fill the last block of a file's data.</summary>
    public static void WritePadding(IBufferWriter<byte> output, long size)
    {
        var padding = (int)((TarScanner.BlockSize - (size % TarScanner.BlockSize)) % TarScanner.BlockSize);
        output.GetSpan(padding)[..padding].Clear();
        output.Advance(padding);
    }

    /// <summary>Writes the two zero blocks that end an archive.</summary>
    public static void WriteTrailer(IBufferWriter<byte> output) => output.Write(new byte[TarScanner.TrailerSize]);

    /// <summary>
    /// One PAX record, <c>LENGTH path=NAME\n</c>, where LENGTH counts itself: it is found by trying, as its own digits may
    /// make the record one longer.
    /// </summary>
    private static void WriteExtendedHeader(IBufferWriter<byte> output, byte[] path, DateTime modified)
    {
        var rest = Encoding.ASCII.GetByteCount(" path=\n") + path.Length;
        var length = rest + 1;
        while (rest + length.ToString(CultureInfo.InvariantCulture).Length != length)
        {
            length++;
        }

        byte[] record = [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{length} path=")), .. path, (byte)'\n'];
        WriteHeader(output, "PaxHeaders.0/shard", record.Length, TarHeader.LF_XHDR, modified);
        output.Write(record);
        WritePadding(output, record.Length);
    }

    private static void WriteHeader(IBufferWriter<byte> output, string name, long length, byte type, DateTime modified)
    {
        var block = new byte[TarScanner.BlockSize];
        var header = new TarHeader { Name = name, Size = length, TypeFlag = type, Mode = FileMode, ModTime = modified };
        header.WriteHeader(block, Encoding.ASCII);
        output.Write(block);
    }
}
