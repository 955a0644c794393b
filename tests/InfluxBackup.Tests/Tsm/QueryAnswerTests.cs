using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

/// <summary>The points that we read are those that the server answered with.</summary>
public class QueryAnswerTests
{
    [Theory]
    [InlineData("1.6.7-inmem")]
    [InlineData("1.6.7-tsi1")]
    [InlineData("1.11.8-tsi1")]
    public void Points_are_what_the_server_answered(string set)
    {
        // Deletes are not in a portable backup.
        var (measurements, values) = QueryAnswers.AssertSame(
            Path.Combine(GoldenFiles.Root, set, "queries.json"), ReadPoints(Path.Combine(GoldenFiles.Root, set, "portable")), withDeletes: false);
        Assert.True(measurements > 25 && values > 8000, $"{measurements} measurements, {values} values");
    }

    private static Dictionary<string, StoredPoints> ReadPoints(string folder)
    {
        var all = new Dictionary<string, StoredPoints>();
        foreach (var (name, bytes) in Directory.GetFiles(folder, "*.tar.gz").SelectMany(GoldenFiles.Unpack)
            .Where(f => f.Name.EndsWith(".tsm", StringComparison.Ordinal)).OrderBy(f => f.Name, StringComparer.Ordinal))
        {
            var policy = string.Join('/', name.Split('/')[..2]);
            all.TryAdd(policy, new StoredPoints());
            using var file = TsmFile.FromMemory(bytes, name);
            all[policy].Add(file, null);
        }
        return all;
    }
}
