using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using InfluxBackup.Tsm;

namespace InfluxBackup.BackupSets;

/// <summary>
/// Writes a gzip member (RFC 1952) whose deflate stream (RFC 1951) is made of compressed and of stored stretches:
/// <code>
/// 1f 8b 08 00 | time 0 | 00 ff       header
/// compressed  ... sync flush         stretches that compress, by the framework's DeflateStream
/// 00 LEN NLEN data                   stretches that don't, as stored blocks of at most 65,535 bytes
/// 01 00 00 ff ff                     last block, empty
/// CRC-32 | length modulo 2^32        trailer
/// </code>
/// At <see cref="CompressionLevel.Fastest"/> a sample decides, taken every few pieces. TSM files are compressed already; with noisy floats
/// a plain <see cref="GZipStream"/> spends 4 to 10 ns a byte (100 to 250 MB/s a core) to save 0 to 8 %, ten times what all else costs
/// together, and the official tool's parallel gzip would be faster. The other levels compress everything, or nothing.
/// The deflate format itself stays with the library.
/// </summary>
public sealed class ShardGzipWriter : IDisposable
{
    /// <summary>A stretch whose sample keeps this share of its size is stored.</summary>
    private const double NotWorthIt = 0.90;

    /// <summary>
    /// A trial costs as much as 150 KB of everything else. The nature of the data changes between the blocks and the index of a
    /// TSM file, so a verdict may be wrong for a megabyte or two at most, and then costs size, nothing else.
    /// </summary>
    private const int PiecesPerTrial = 8;

    private const int SampleSlices = 4;
    private const int SampleSliceSize = 2 * 1024;
    private const int LargestStoredBlock = 65_535;

    private static ReadOnlySpan<byte> Header => [0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0xff];

    private static ReadOnlySpan<byte> LastBlock => [0x01, 0x00, 0x00, 0xff, 0xff];

    private readonly Stream output;
    private readonly CompressionLevel level;
    private readonly GzipChecksum crc = new();
    private readonly byte[] sample = new byte[SampleSlices * SampleSliceSize];
    private Compressor? compressor;
    private uint length;
    private int untilTrial;
    private bool isWorthIt;

    public ShardGzipWriter(Stream output, CompressionLevel level)
    {
        this.output = output;
        this.level = level;
        output.Write(Header);
    }

    /// <summary>Takes the next piece. Pieces of a few hundred kilobytes serve best; the memory must be an array's.</summary>
    public void Write(ReadOnlyMemory<byte> piece)
    {
        if (!MemoryMarshal.TryGetArray(piece, out var array))
        {
            throw new ArgumentException("Only memory of an array can be written.", nameof(piece));
        }

        crc.Update(array);
        length += (uint)piece.Length;
        if (level == CompressionLevel.NoCompression || (level == CompressionLevel.Fastest && !JudgeNow(piece.Span)))
        {
            EndCompressed();
            Store(piece.Span);
        }
        else
        {
            compressor ??= new Compressor(output, level);
            compressor.Write(piece.Span);
        }
    }

    /// <summary>Writes the end of the member.</summary>
    public void Complete()
    {
        EndCompressed();
        output.Write(LastBlock);
        Span<byte> trailer = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, crc.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[4..], length);
        output.Write(trailer);
    }

    /// <inheritdoc/>
    public void Dispose() => compressor?.Dispose();

    private bool JudgeNow(ReadOnlySpan<byte> piece)
    {
        if (untilTrial-- == 0)
        {
            untilTrial = PiecesPerTrial - 1;
            isWorthIt = IsWorthCompressing(piece);
        }

        return isWorthIt;
    }

    private bool IsWorthCompressing(ReadOnlySpan<byte> piece)
    {
        var taken = 0;
        if (piece.Length <= sample.Length)
        {
            piece.CopyTo(sample);
            taken = piece.Length;
        }
        else
        {
            var step = (piece.Length - SampleSliceSize) / (SampleSlices - 1);
            for (var i = 0; i < SampleSlices; i++, taken += SampleSliceSize)
            {
                piece.Slice(i * step, SampleSliceSize).CopyTo(sample.AsSpan(taken));
            }
        }

        var counter = new CountingStream();
        using (var trial = new DeflateStream(counter, CompressionLevel.Fastest, leaveOpen: true))
        {
            trial.Write(sample.AsSpan(0, taken));
        }

        return counter.Count < taken * NotWorthIt;
    }

    private void Store(ReadOnlySpan<byte> piece)
    {
        Span<byte> header = stackalloc byte[5];
        while (!piece.IsEmpty)
        {
            var block = piece[..Math.Min(piece.Length, LargestStoredBlock)];
            header[0] = 0;
            BinaryPrimitives.WriteUInt16LittleEndian(header[1..], (ushort)block.Length);
            BinaryPrimitives.WriteUInt16LittleEndian(header[3..], (ushort)~block.Length);
            output.Write(header);
            output.Write(block);
            piece = piece[block.Length..];
        }
    }

    private void EndCompressed()
    {
        compressor?.Finish();
        compressor = null;
    }

    /// <summary>
    /// One compressed stretch. It ends at a sync flush, which leaves the stream on a byte boundary without a last block. A new
    /// stretch needs a new compressor, as the old one's window lacks what was stored in between.
    /// </summary>
    private sealed class Compressor(Stream output, CompressionLevel level) : IDisposable
    {
        private readonly Gate gate = new(output);
        private DeflateStream? deflate;

        public void Write(ReadOnlySpan<byte> piece)
        {
            deflate ??= new DeflateStream(gate, level, leaveOpen: true);
            deflate.Write(piece);
        }

        public void Finish()
        {
            deflate?.Flush();
            Dispose();
        }

        public void Dispose()
        {
            // Disposing writes a last block, which is ours to write.
            gate.IsOpen = false;
            deflate?.Dispose();
            deflate = null;
        }
    }

    private sealed class Gate(Stream output) : WriteOnlyStream
    {
        public bool IsOpen { get; set; } = true;

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (IsOpen)
            {
                output.Write(buffer);
            }
        }
    }

    private sealed class CountingStream : WriteOnlyStream
    {
        public long Count { get; private set; }

        public override void Write(ReadOnlySpan<byte> buffer) => Count += buffer.Length;
    }
}
