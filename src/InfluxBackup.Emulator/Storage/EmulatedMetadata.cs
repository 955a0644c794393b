using System.Security.Cryptography;
using Google.Protobuf;
using InfluxBackup.Metadata;

namespace InfluxBackup.Emulator;

/// <summary>
/// A node's metadata: thread-safe, and kept in <c>meta/meta.db</c> as a server keeps it, so that a restarted node has them again.
/// </summary>
public sealed class EmulatedMetadata
{
    private readonly object gate = new();
    private readonly string file;
    private byte[] bytes;
    private Data data;
    private TaskCompletionSource changed = NewChange();

    internal EmulatedMetadata(string metaDirectory)
    {
        Directory.CreateDirectory(metaDirectory);
        file = Path.Combine(metaDirectory, "meta.db");
        if (File.Exists(file))
        {
            bytes = File.ReadAllBytes(file);
            data = Data.Parser.ParseFrom(bytes);
            return;
        }

        // What a server that starts for the first time writes.
        data = new Data
        {
            Term = 0,
            Index = 1,
            ClusterID = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) >> 1,
            MaxNodeID = 0,
            MaxShardGroupID = 0,
            MaxShardID = 0,
        };
        bytes = Store(data);
    }

    /// <summary>Ends with the next change.</summary>
    internal Task NextChange
    {
        get
        {
            lock (gate)
            {
                return changed.Task;
            }
        }
    }

    internal ulong Index
    {
        get
        {
            lock (gate)
            {
                return data.Index;
            }
        }
    }

    /// <summary>A copy of the metadata as they are now.</summary>
    public Data Read()
    {
        lock (gate)
        {
            return data.Clone();
        }
    }

    /// <summary>The content of <c>meta.db</c> as it is now.</summary>
    public byte[] ReadBytes()
    {
        lock (gate)
        {
            return [.. bytes];
        }
    }

    /// <summary>Changes the metadata and stores them with the next index. Nothing is changed when <paramref name="change"/> throws.</summary>
    public void Edit(Action<Data> change)
    {
        TaskCompletionSource before;
        lock (gate)
        {
            var copy = data.Clone();
            change(copy);
            copy.Index = data.Index + 1;
            bytes = Store(copy);
            data = copy;
            (before, changed) = (changed, NewChange());
        }

        before.SetResult();
    }

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private byte[] Store(Data content)
    {
        var encoded = content.ToByteArray();
        var temporary = file + ".tmp";
        File.WriteAllBytes(temporary, encoded);
        File.Move(temporary, file, overwrite: true);
        return encoded;
    }
}
