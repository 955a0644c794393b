using System.Text;
using Google.Protobuf;
using InfluxBackup.DataDirectory;
using InfluxBackup.Tests.DataDirectory;
using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

public class FieldsIndexFileTests
{
    private static readonly byte[] Index = Convert.FromHexString("000601030a0a0a016d12050a01661001");
    private static readonly byte[] Added = Convert.FromHexString("0f000000000000000a0d0a0477696c6412050a01661001");

    [Fact]
    public void Index_and_changes_tell_fields_and_types()
    {
        var index = FieldsIndexFile.Parse(Index, Added, "x");
        Assert.Null(index.Warning);
        Assert.Equal([Name("m"), Name("wild")], index.Measurements);
        Assert.Equal(TsmBlockType.Float, Assert.Single(index.Fields(Name("m"))).Value);
        Assert.Equal(TsmBlockType.Float, index.Fields(Name("wild"))[Name("f")]);
        Assert.Empty(index.Fields(Name("none")));
    }

    [Fact]
    public void A_measurement_that_was_deleted_later_is_gone()
    {
        // { 1: { 1: "m", 3: 1 } }
        byte[] deleted = [7, 0, 0, 0, 0, 0, 0, 0, 0x0a, 5, 0x0a, 1, (byte)'m', 0x18, 1];
        Assert.Equal([Name("wild")], FieldsIndexFile.Parse(Index, [.. Added, .. deleted, .. Added], "x").Measurements);
    }

    [Fact]
    public void An_incomplete_last_change_is_ignored_and_told()
    {
        for (var length = 1; length < Added.Length; length++)
        {
            var index = FieldsIndexFile.Parse([], [.. Added, .. Added[..length]], "x");
            Assert.Single(index.Measurements);
            Assert.Contains($"offset {Added.Length}", index.Warning, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void No_bytes_make_the_reader_fail_in_another_way()
    {
        var random = new Random(5);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = (i % 2 == 0 ? Index : Added).ToArray();
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                FieldsIndexFile.Parse(i % 2 == 0 ? bytes : [], i % 2 == 0 ? [] : bytes, "x");
            }
            catch (TsmFormatException e)
            {
                Assert.NotEmpty(e.Message);
            }
        }
        Assert.Contains("no field index", Assert.Throws<TsmFormatException>(() => FieldsIndexFile.Parse([1, 2], [], "x")).Message, StringComparison.Ordinal);
        Assert.Contains("damaged", Assert.Throws<TsmFormatException>(() => FieldsIndexFile.Parse([.. Index[..4], 0x0a, 0xff, 0xff, 0xff, 0x7f], [], "x")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.6.7-inmem", 22)]
    [InlineData("1.11.8-tsi1", 22)]
    public void Fields_are_those_of_the_points(string server, int expected)
    {
        using var golden = new GoldenServer(server);
        var compared = 0;
        foreach (var shard in golden.Open(withMetadata: false).ReadShards().Shards)
        {
            var index = FieldsIndexFile.ReadDirectory(shard.DataPath!);
            Assert.Null(index.Warning);
            compared++;
            foreach (var (measurement, field, type) in shard.TsmFiles.Where(f => !shard.Tombstones.ContainsKey(f)).SelectMany(Fields))
            {
                Assert.True(index.Fields(measurement).TryGetValue(field, out var known), $"{measurement.ToStringUtf8()} {field.ToStringUtf8()}");
                Assert.Equal(type, known);
            }
        }
        Assert.Equal(expected, compared);
    }

    private static List<(ByteString Measurement, ByteString Field, TsmBlockType Type)> Fields(string path)
    {
        var fields = new List<(ByteString, ByteString, TsmBlockType)>();
        using var file = TsmFile.Open(path);
        using var index = file.ReadIndex();
        while (index.ReadKey())
        {
            Assert.True(TsmKey.TrySplit(index.Key, out var series, out var field));
            var end = Enumerable.Range(0, series.Length).Select(i => (int?)i).FirstOrDefault(BareComma(series.ToArray())) ?? series.Length;
            var measurement = Encoding.UTF8.GetString(series[..end]).Replace("\\,", ",", StringComparison.Ordinal).Replace("\\ ", " ", StringComparison.Ordinal);
            // What the server makes of a backslash before a quote depends on its version.
            if (!measurement.StartsWith("back", StringComparison.Ordinal))
            {
                fields.Add((Name(measurement), ByteString.CopyFrom(field), index.Type));
            }
        }
        return fields;
    }

    private static Func<int?, bool> BareComma(byte[] series) => i => series[i!.Value] == ',' && (i == 0 || series[i.Value - 1] != '\\');

    private static ByteString Name(string name) => ByteString.CopyFromUtf8(name);
}
