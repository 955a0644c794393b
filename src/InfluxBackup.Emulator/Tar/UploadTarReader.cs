using System.Text;
using ICSharpCode.SharpZipLib.Tar;

namespace InfluxBackup.Emulator;

/// <summary>
/// Reads an uploaded tar stream the way Go's archive/tar does for a server: an end between two entries is an end, two zero blocks
/// are one, too, and nothing behind them is read. (The framework's reader stops after one zero block, which leaves the second
/// unread and so turns the close into a reset, and SharpZipLib's reads whole records ahead.)
/// </summary>
internal sealed class UploadTarReader(Stream input)
{
    private const int LargestExtendedHeader = 64 * 1024;
    private readonly byte[] block = new byte[UstarHeader.BlockSize];
    private long left;
    private long padding;

    /// <summary>Name of the current file.</summary>
    public string Name { get; private set; } = "";

    /// <summary>Goes to the next file; false at the end.</summary>
    /// <exception cref="IOException">The stream ends inside an entry, or is no tar.</exception>
    public async Task<bool> NextAsync(CancellationToken cancel)
    {
        await CopyToAsync(Stream.Null, cancel).ConfigureAwait(false);
        string? longName = null;
        while (await ReadHeaderAsync(cancel).ConfigureAwait(false) is { } header)
        {
            left = header.Size;
            padding = (UstarHeader.BlockSize - (left % UstarHeader.BlockSize)) % UstarHeader.BlockSize;
            if (header.TypeFlag != TarHeader.LF_XHDR)
            {
                Name = longName ?? header.Name;
                return true;
            }

            longName = await ReadPathAsync(cancel).ConfigureAwait(false) ?? longName;
        }

        return false;
    }

    /// <summary>The rest of the current file.</summary>
    public async Task CopyToAsync(Stream output, CancellationToken cancel)
    {
        var buffer = new byte[64 * 1024];
        while (left > 0)
        {
            var read = await input.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), cancel).ConfigureAwait(false);
            if (read == 0)
            {
                throw new EndOfStreamException("unexpected EOF");
            }

            await output.WriteAsync(buffer.AsMemory(0, read), cancel).ConfigureAwait(false);
            left -= read;
        }

        await input.ReadExactlyAsync(buffer.AsMemory(0, (int)padding), cancel).ConfigureAwait(false);
        padding = 0;
    }

    private async Task<TarHeader?> ReadHeaderAsync(CancellationToken cancel)
    {
        var read = await input.ReadAtLeastAsync(block, block.Length, throwOnEndOfStream: false, cancel).ConfigureAwait(false);
        if (read == 0)
        {
            return null;
        }

        if (read < block.Length)
        {
            throw new EndOfStreamException("unexpected EOF");
        }

        if (!block.AsSpan().ContainsAnyExcept((byte)0))
        {
            _ = await input.ReadAtLeastAsync(block, block.Length, throwOnEndOfStream: false, cancel).ConfigureAwait(false);
            return null;
        }

        return Parse();
    }

    private TarHeader Parse()
    {
        var header = new TarHeader();
        try
        {
            header.ParseBuffer(block, Encoding.UTF8);
        }
        catch (Exception e) when (e is ArgumentException or TarException or OverflowException or FormatException)
        {
            throw new IOException("archive/tar: invalid tar header", e);
        }

        return header.IsChecksumValid && header.Size >= 0 ? header : throw new IOException("archive/tar: invalid tar header");
    }

    private async Task<string?> ReadPathAsync(CancellationToken cancel)
    {
        if (left > LargestExtendedHeader)
        {
            throw new IOException("archive/tar: header field too long");
        }

        using var content = new MemoryStream();
        await CopyToAsync(content, cancel).ConfigureAwait(false);
        var records = new TarExtendedHeaderReader();
        records.Read(content.ToArray(), (int)content.Length);
        return records.Headers.GetValueOrDefault("path");
    }
}
