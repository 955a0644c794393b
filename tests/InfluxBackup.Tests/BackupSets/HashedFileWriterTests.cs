using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.BackupSets;
using InfluxBackup.IntegrationTests;

namespace InfluxBackup.Tests.BackupSets;

/// <summary>A file that is gone on with is the file that one go would have made.</summary>
public sealed class HashedFileWriterTests : IDisposable
{
    private const int Most = 5 << 20;

    private readonly TemporaryDirectory directory = new();
    private readonly byte[] noise = new byte[Most];

    public HashedFileWriterTests() => new Random(1).NextBytes(noise);

    public void Dispose() => directory.Dispose();

    /// <param name="Length">What the whole file has.</param>
    /// <param name="Checkpoint">How much of it is surely on the disk.</param>
    /// <param name="Stopped">How much was written when it was stopped.</param>
    /// <param name="Step">How much is written at once.</param>
    private sealed record Plan(int Length, int Checkpoint, int Stopped, int Step);

    [Fact]
    public void Cut_anywhere_and_gone_on_with_it_has_the_same_bytes_and_hash()
    {
        var size = Gen.OneOf(Gen.Choose(0, Most), Gen.Choose(0, 5).Select(mb => mb << 20), Gen.Choose(0, 3000), Gen.Choose(1, 4).Select(mb => (mb << 20) + 1));
        var plans =
            from a in size
            from b in size
            from c in size
            from step in Gen.Elements(1000, 65_536, 300_001, 4 << 20)
            let sorted = new[] { a, b, c }.Order().ToArray()
            select new Plan(sorted[2], sorted[0], sorted[1], step);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(60), Prop.ForAll(plans.ToArbitrary(), Holds));
    }

    private bool Holds(Plan plan)
    {
        var path = directory["file"];
        File.Delete(path);
        using (var writer = new HashedFileWriter(path))
        {
            Write(writer, 0, plan.Checkpoint, plan.Step);
            writer.Checkpoint();
            Assert.True(new FileInfo(path).Length >= plan.Checkpoint);
            Write(writer, plan.Checkpoint, plan.Stopped, plan.Step);
        }

        using (var writer = HashedFileWriter.Resume(path, plan.Checkpoint, CancellationToken.None))
        {
            Assert.Equal(plan.Checkpoint, writer.Length);
            Write(writer, plan.Checkpoint, plan.Length, plan.Step);
            writer.Checkpoint();
            Assert.Equal(Convert.ToHexString(SHA256.HashData(noise.AsSpan(0, plan.Length))).ToLowerInvariant(), writer.Complete());
        }

        return File.ReadAllBytes(path).AsSpan().SequenceEqual(noise.AsSpan(0, plan.Length));
    }

    [Fact]
    public void A_file_that_is_shorter_than_it_was_is_not_gone_on_with()
    {
        File.WriteAllBytes(directory["file"], noise[..1000]);
        Assert.Throws<EndOfStreamException>(() => HashedFileWriter.Resume(directory["file"], 1001, CancellationToken.None));
        Assert.Throws<FileNotFoundException>(() => HashedFileWriter.Resume(directory["none"], 1, CancellationToken.None));
        Assert.Equal(1000, new FileInfo(directory["file"]).Length);
    }

    private void Write(HashedFileWriter writer, int from, int to, int step)
    {
        for (var at = from; at < to; at += step)
        {
            writer.Write(noise.AsSpan(at, Math.Min(step, to - at)));
        }
    }
}
