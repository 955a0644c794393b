using System.IO.Compression;
using Google.Protobuf;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Operations;
using InfluxBackup.Tests.BackupSets;
using InfluxBackup.Tests.Transfer;
using InfluxBackup.Tests.Tsm;
using TestResult = InfluxBackup.Operations.TestResult;

namespace InfluxBackup.Tests.Operations.Checks;

/// <summary>Sets made for a test, as the engine's writer makes them, or as the official tool does: without hashes. Shard 7 holds times 700 to 799.</summary>
internal sealed class TestedSet : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public string Path => directory;

    public string this[string name] => directory[name];

    public void Dispose() => directory.Dispose();

    /// <summary>A TSM file; each key has one block of floats or integers at these times.</summary>
    public static byte[] Tsm(params (string Key, byte Type, long[] Times)[] keys) => TsmEncoder.File(
        [.. keys.Select(k => (k.Key, k.Type, new[] { (k.Times[0], k.Times[^1], Block(k.Type, k.Times)) }))]);

    /// <summary>An archive of a shard with these files.</summary>
    public static byte[] Tar(int shard, params (string Name, byte[] Bytes)[] files)
    {
        var tar = new TarBuilder();
        foreach (var (name, bytes) in files)
        {
            tar.Entry($"{Sets.Key(shard).Path}/{name}", bytes);
        }

        return tar.Zeros().ToArray();
    }

    /// <summary>One sound shard.</summary>
    public static byte[] Sound(int shard) => Tar(shard, ("000000001-000000001.tsm", Tsm(("m,t=a#!~#f", 0, [shard * 100, (shard * 100) + 99]))));

    /// <summary>A backup by our writer. Returns its name.</summary>
    public async Task<string> MakeAsync(params (int Shard, byte[] Tar)[] shards)
    {
        using var writer = Sets.Begin(directory);
        var results = new List<InfluxBackup.Transfer.ShardResult>();
        foreach (var (shard, tar) in shards)
        {
            results.Add(await Sets.WriteAsync(writer, Sets.Key(shard), tar));
        }

        Sets.Commit(writer, [.. results]);
        return writer.Timestamp;
    }

    /// <summary>A backup as the official tool leaves it, or changed.</summary>
    public void Put(Func<Data, Data>? metadata, Func<BackupManifest, BackupManifest>? manifest, params (int Shard, byte[] Tar)[] shards)
    {
        foreach (var (shard, tar) in shards)
        {
            using var file = File.Create(this[PortableBackupWriter.ArchiveName(Sets.Time1, (ulong)shard)]);
            using var gzip = new GZipStream(file, CompressionLevel.Fastest);
            gzip.Write(tar);
        }

        var data = Sets.Metadata(shards.Select(s => Sets.Key(s.Shard)).ToArray());
        var bytes = (metadata?.Invoke(data) ?? data).ToByteArray();
        File.WriteAllBytes(this[Sets.Time1 + MetaFile.Suffix], MetaFile.ToBytes(bytes));
        var made = new BackupManifest
        {
            Meta = new ManifestMeta { FileName = Sets.Time1 + MetaFile.Suffix, Size = bytes.Length },
            Files = shards.Select(s => Sets.Entry(Sets.Time1, Sets.Key(s.Shard)) with { Size = s.Tar.Length }).ToList(),
        };
        File.WriteAllBytes(this[Sets.Time1 + ManifestFile.Suffix], ManifestFile.ToBytes(manifest?.Invoke(made) ?? made));
    }

    public Task<TestResult> TestAsync(Func<TestOptions, TestOptions>? with = null) => TestAsync(Path, with);

    public static async Task<TestResult> TestAsync(string path, Func<TestOptions, TestOptions>? with = null)
    {
        var options = new TestOptions { Path = path };
        var results = new List<TestResult>();
        await foreach (var result in new TestOperation(with?.Invoke(options) ?? options).RunAsync(TestContext.Current.CancellationToken))
        {
            results.Add(result);
        }

        return results[0];
    }

    private static byte[] Block(byte type, long[] times) => TsmEncoder.Block(
        type, TsmEncoder.RawTimes(times), type == 0 ? TsmEncoder.Floats([.. times.Select(t => t / 2.0)]) : TsmEncoder.RawIntegers(times));
}
