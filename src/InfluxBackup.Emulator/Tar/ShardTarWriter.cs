namespace InfluxBackup.Emulator;

/// <summary>Writes a shard's tar stream: headers, data padded with zeros, zero blocks at the end.</summary>
internal sealed class ShardTarWriter(Stream output)
{
    /// <summary>The header alone, for the export that breaks off after it.</summary>
    public async Task WriteHeaderAsync(SnapshotFile file, CancellationToken cancel) =>
        await output.WriteAsync(UstarHeader.Create(file.Name, file.Size, file.ModifiedUtc, file.Mode), cancel).ConfigureAwait(false);

    /// <summary>Header and data of one file.</summary>
    /// <exception cref="EndOfStreamException">The file is shorter than its header says.</exception>
    public async Task WriteAsync(SnapshotFile file, CancellationToken cancel)
    {
        await WriteHeaderAsync(file, cancel).ConfigureAwait(false);
        file.Content.Position = 0;
        var buffer = new byte[64 * 1024];
        for (var left = file.Size; left > 0;)
        {
            var read = await file.Content.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), cancel).ConfigureAwait(false);
            if (read == 0)
            {
                throw new EndOfStreamException("archive/tar: missed writing bytes");
            }

            await output.WriteAsync(buffer.AsMemory(0, read), cancel).ConfigureAwait(false);
            left -= read;
        }

        var padding = (int)((UstarHeader.BlockSize - (file.Size % UstarHeader.BlockSize)) % UstarHeader.BlockSize);
        await output.WriteAsync(new byte[padding], cancel).ConfigureAwait(false);
    }

    /// <summary>The end of the archive: two zero blocks, unless a fault wants fewer.</summary>
    public async Task FinishAsync(int zeroBlocks, CancellationToken cancel) =>
        await output.WriteAsync(new byte[zeroBlocks * UstarHeader.BlockSize], cancel).ConfigureAwait(false);
}
