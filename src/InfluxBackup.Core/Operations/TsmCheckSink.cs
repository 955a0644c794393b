using System.Buffers;
using InfluxBackup.BackupSets;
using InfluxBackup.Metadata;
using InfluxBackup.Transfer;
using InfluxBackup.Tsm;

namespace InfluxBackup.Operations;

/// <summary>
/// Takes shards for the checks alone, and opens every TSM file in them: index, checksums, and each block decoded. A TSM file
/// has its index at its end, so it is staged first: small ones in memory, others in a temporary file.
/// </summary>
internal sealed class TsmCheckSink : IShardSink
{
    private const int MostProblemsNamed = 3;

    /// <inheritdoc/>
    public async Task WriteAsync(ShardKey shard, GuardedArchive archive, CancellationToken cancel)
    {
        using var files = new StagedFiles(shard, cancel);
        var scanner = new TarScanner(files, shard.ToString());
        while (await archive.ReadAsync(cancel).ConfigureAwait(false) is { IsEmpty: false } piece)
        {
            try
            {
                scanner.Append(piece.Span);
            }
            catch (Exception e) when (LocalFile.IsFileError(e))
            {
                throw LocalFile.WriteFailed(Path.GetTempPath(), e);
            }
        }

        if (files.Problems.Count > 0)
        {
            var named = string.Join("; ", files.Problems.Take(MostProblemsNamed));
            var more = files.Problems.Count > MostProblemsNamed ? $"; and {files.Problems.Count - MostProblemsNamed} more" : "";
            throw new InfluxBackupException("TsmFileDamaged", ErrorKind.InvalidData, $"The archive of {shard} holds damaged TSM files: {named}{more}.")
            {
                Subject = shard.ToString(),
            };
        }
    }

    /// <inheritdoc/>
    public Task<ShardReceipt> AcceptAsync(ShardKey shard, ShardArchive archive, CancellationToken cancel) => Task.FromResult(new ShardReceipt(0));

    /// <inheritdoc/>
    public Task DiscardAsync(ShardKey shard) => Task.CompletedTask;

    /// <summary>Stages one file after the other and checks it when it is whole.</summary>
    private sealed class StagedFiles(ShardKey shard, CancellationToken cancel) : ITarVisitor, IDisposable
    {
        private const int LargestInMemory = 8 << 20;

        private string name = "";
        private bool isTsm;
        private byte[]? memory;
        private int memoryFill;
        private FileStream? file;
        private string? path;

        public List<string> Problems { get; } = [];

        public void Begin(string name, long size, DateTime modified)
        {
            this.name = name.StartsWith(shard.Path + "/", StringComparison.Ordinal) ? name[(shard.Path.Length + 1)..] : name;
            isTsm = ShardFileName.IsTsm(name);
            memoryFill = 0;
            if (isTsm && size <= LargestInMemory)
            {
                memory = ArrayPool<byte>.Shared.Rent((int)size);
            }
            else if (isTsm)
            {
                path = Path.Combine(Path.GetTempPath(), $"influxbackup-{Guid.NewGuid():N}.tsm");
                file = LocalFile.Create(path);
            }
        }

        public void Data(ReadOnlySpan<byte> data)
        {
            if (memory is not null)
            {
                data.CopyTo(memory.AsSpan(memoryFill));
                memoryFill += data.Length;
            }
            else
            {
                file?.Write(data);
            }
        }

        public void End()
        {
            if (isTsm)
            {
                file?.Dispose();
                using (var tsm = memory is not null ? TsmFile.FromMemory(memory.AsMemory(0, memoryFill), name) : TsmFile.Open(path!))
                {
                    var report = TsmFileVerifier.Verify(tsm, cancel);
                    Problems.AddRange(report.Problems.Select(p => $"{name}, byte {p.Offset}{(p.Key is null ? "" : $", {p.Key}")}: {p.Message} [{p.Check}]"));
                }

                Release();
            }
        }

        public void Dispose() => Release();

        private void Release()
        {
            file?.Dispose();
            file = null;
            if (path is not null)
            {
                File.Delete(path);
                path = null;
            }

            if (memory is not null)
            {
                ArrayPool<byte>.Shared.Return(memory);
                memory = null;
            }
        }
    }
}
