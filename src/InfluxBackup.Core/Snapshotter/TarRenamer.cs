using System.Buffers;
using System.Globalization;
using System.Text;
using ICSharpCode.SharpZipLib.Tar;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;

namespace InfluxBackup.Snapshotter;

/// <summary>
/// Rewrites a shard archive on its way to a server: the TSM files get the target shard's directory in their names, everything
/// else is left out (a server ignores it). The trailer is written by <see cref="Finish"/> alone, so that an archive that
/// breaks off never looks whole to the server.
/// </summary>
public sealed class TarRenamer(ShardKey target) : ITarVisitor
{
    private const int NameField = 100;
    private const int FileMode = 0x1A4; // 0644

    private readonly ArrayBufferWriter<byte> output = new(GuardedArchive.PieceSize + (8 * TarScanner.BlockSize));
    private readonly List<ShardArchiveEntry> sent = [];
    private bool keep;
    private long size;

    /// <summary>Bytes ready to be sent; call <see cref="Clear"/> when they are.</summary>
    public ReadOnlyMemory<byte> Output => output.WrittenMemory;

    /// <summary>The files that were passed on.</summary>
    public IReadOnlyList<ShardArchiveEntry> Sent => sent;

    public void Clear() => output.ResetWrittenCount();

    /// <inheritdoc/>
    public void Begin(string name, long size, DateTime modified)
    {
        var file = name[(name.LastIndexOf('/') + 1)..];
        keep = ShardFileName.IsSafeTsmName(file);
        this.size = size;
        if (!keep)
        {
            return;
        }

        sent.Add(new ShardArchiveEntry(file, size, new DateTimeOffset(DateTime.SpecifyKind(modified, DateTimeKind.Utc))));
        var path = $"{target.Path}/{file}";
        var bytes = Encoding.UTF8.GetBytes(path);
        if (bytes.Length > NameField || !Ascii.IsValid(bytes))
        {
            WriteExtendedHeader(bytes, modified);
            path = Ascii.IsValid(bytes) ? path[^NameField..] : file;
        }

        WriteHeader(path, size, TarHeader.LF_NORMAL, modified);
    }

    /// <inheritdoc/>
    public void Data(ReadOnlySpan<byte> data)
    {
        if (keep)
        {
            output.Write(data);
        }
    }

    /// <inheritdoc/>
    public void End()
    {
        if (keep)
        {
            Pad(size);
        }
    }

    /// <summary>Writes the two zero blocks that end the archive.</summary>
    public void Finish() => output.Write(new byte[TarScanner.TrailerSize]);

    /// <summary>
    /// One PAX record, <c>LENGTH path=NAME\n</c>, where LENGTH counts itself: it is found by trying, as its own digits may
    /// make the record one longer.
    /// </summary>
    private void WriteExtendedHeader(byte[] path, DateTime modified)
    {
        var rest = Encoding.ASCII.GetByteCount(" path=\n") + path.Length;
        var length = rest + 1;
        while (rest + length.ToString(CultureInfo.InvariantCulture).Length != length)
        {
            length++;
        }

        byte[] record = [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{length} path=")), .. path, (byte)'\n'];
        WriteHeader("PaxHeaders.0/shard", record.Length, TarHeader.LF_XHDR, modified);
        output.Write(record);
        Pad(record.Length);
    }

    private void WriteHeader(string name, long length, byte type, DateTime modified)
    {
        var block = new byte[TarScanner.BlockSize];
        var header = new TarHeader { Name = name, Size = length, TypeFlag = type, Mode = FileMode, ModTime = modified };
        header.WriteHeader(block, Encoding.ASCII);
        output.Write(block);
    }

    private void Pad(long length)
    {
        var padding = (int)((TarScanner.BlockSize - (length % TarScanner.BlockSize)) % TarScanner.BlockSize);
        output.GetSpan(padding)[..padding].Clear();
        output.Advance(padding);
    }
}
