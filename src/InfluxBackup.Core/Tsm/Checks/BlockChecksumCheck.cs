using System.Buffers.Binary;

namespace InfluxBackup.Tsm.Checks;

/// <summary>
/// The CRC-32 in front of the block is that of the block. The bytes pass through the window, so that a large block, or
/// one that only claims to be large, needs no more memory than others.
/// </summary>
internal sealed class BlockChecksumCheck : TsmCheck
{
    public override bool Run(TsmWalk walk)
    {
        ref readonly var entry = ref walk.Entry;
        var stored = BinaryPrimitives.ReadUInt32BigEndian(walk.ReadBlocks(entry.Offset, (int)Math.Min(entry.Size, TsmWindow.Size)));
        walk.Crc.Reset();
        var offset = entry.BlockOffset;
        for (var left = entry.BlockSize; left > 0;)
        {
            var length = (int)Math.Min(left, TsmWindow.Size - TsmFormat.ChecksumSize);
            walk.Crc.Update(walk.ReadBlocks(offset, length));
            offset += length;
            left -= length;
        }
        var computed = walk.Crc.Value;
        if (computed == stored)
        {
            return true;
        }
        Report(walk, entry.Offset,
            $"Checksum mismatch in the block from {TsmTime.Describe(entry.MinTime)} to {TsmTime.Describe(entry.MaxTime)} ({entry.BlockSize} bytes): " +
            $"{stored:x8} is stored, the bytes have {computed:x8}. They changed after they were written.");
        return false;
    }
}
