using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using InfluxBackup.BackupSets;
using InfluxBackup.Transfer;
using Outcome = InfluxBackup.Transfer.Outcome;

namespace InfluxBackup.Tests.BackupSets;

/// <summary>Manifests: the official fields as the official tool writes them, ours beside them, and distrust on reading.</summary>
public sealed class ManifestFileTests
{
    private static readonly BackupManifest Full = new()
    {
        Meta = new ManifestMeta { FileName = "20240102T030405Z.meta", Size = 561, FileSha256 = "ab" },
        Limited = true,
        Database = "db",
        RetentionPolicy = "größe \"x\"",
        ShardId = 3,
        Files =
        [
            Sets.Entry(Sets.Time1, Sets.Key(3), 17) with
            {
                ArchiveSize = 9, ArchiveSha256 = "cd", TarSha256 = "ef", StartTime = Sets.Noon, EndTime = Sets.Noon.AddDays(1),
                Entries = [new ManifestEntry { Name = "000000001-000000001.tsm", Size = 5 }], Warnings = ["odd"],
                Owners = [new ManifestOwner { NodeId = 4, DataNode = "data01:8088", LastModified = 7, Size = 9, IsSource = true }],
            },
        ],
        Run = new ManifestRun
        {
            ToolVersion = "1.2.3", Source = "host:8088", ServerVersion = "1.8.10", StartedAt = Sets.Noon, CompletedAt = Sets.Noon,
            Options = new Dictionary<string, string> { ["database"] = "db" }, Outcome = Outcome.Partial, Strategy = BackupStrategy.Incremental, Warnings = ["w"], Since = Sets.Noon,
            MissingShards = [new ManifestMissingShard { Database = "db", RetentionPolicy = "rp", ShardId = 4, Outcome = ShardOutcome.Failed, Reason = "r" }],
        },
    };

    private static BackupManifest Read(byte[] json)
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllBytes(directory["x.manifest"], json);
        return ManifestFile.Read(directory["x.manifest"]);
    }

    private static BackupManifest Read(string json) => Read(Encoding.UTF8.GetBytes(json));

    private static InfluxBackupException Refused(string json)
    {
        var error = Assert.Throws<InfluxBackupException>(() => Read(json));
        Assert.Equal("ManifestInvalid", error.Id);
        Assert.Contains("x.manifest", error.Message, StringComparison.Ordinal);
        return error;
    }

    [Fact]
    public void A_manifest_comes_back_as_it_was_written() =>
        Assert.Equal(Encoding.UTF8.GetString(ManifestFile.ToBytes(Full)), Encoding.UTF8.GetString(ManifestFile.ToBytes(Read(ManifestFile.ToBytes(Full)))));

    [Fact]
    public void Every_name_that_a_server_accepts_comes_back_as_it_was_written()
    {
        var letter = Gen.Elements("a", "Z", "\"", "'", "<", "&", " ", ".", "ü", "ポ", "😀", "%", "+", "\u2028", "\u00a0", "{", ":");
        Check.QuickThrowOnFailure(Prop.ForAll(
            letter.NonEmptyListOf().Select(parts => string.Concat(parts)).Where(n => n is not ("." or "..")).ToArbitrary(), name =>
            {
                var entry = Sets.Entry(Sets.Time1, new(name, name, 1));
                var read = Read(ManifestFile.ToBytes(Full with { Files = [entry], Database = name })).Files![0];
                return read == entry;
            }));
    }

    [Fact]
    public void The_official_fields_stand_in_the_official_order_with_two_spaces()
    {
        var text = Encoding.UTF8.GetString(ManifestFile.ToBytes(Full)).ReplaceLineEndings("\n");
        Assert.StartsWith("{\n  \"meta\": {\n    \"fileName\": \"20240102T030405Z.meta\",\n    \"size\": 561,\n", text, StringComparison.Ordinal);
        Assert.Contains("\n  \"limited\": true,\n  \"files\": [\n    {\n      \"database\": \"db\",\n      \"policy\": \"rp\",\n      \"shardID\": 3,\n      \"fileName\": \"20240102T030405Z.s3.tar.gz\",\n      \"size\": 1024,\n      \"lastModified\": 17,\n", text, StringComparison.Ordinal);
        Assert.EndsWith("}", text, StringComparison.Ordinal);

        using var json = JsonDocument.Parse(text);
        Assert.Equal(["meta", "limited", "files", "database", "policy", "shard_id", "influxBackup"], json.RootElement.EnumerateObject().Select(p => p.Name));
    }

    [Fact]
    public void A_plain_manifest_has_the_bytes_of_the_official_tool()
    {
        var plain = new BackupManifest { Meta = new ManifestMeta { FileName = "20240102T030405Z.meta", Size = 561 }, Files = [Sets.Entry("20240102T030405Z", Sets.Key(1)) with { Size = 2048 }] };
        const string Official = """
            {
              "meta": {
                "fileName": "20240102T030405Z.meta",
                "size": 561
              },
              "limited": false,
              "files": [
                {
                  "database": "db",
                  "policy": "rp",
                  "shardID": 1,
                  "fileName": "20240102T030405Z.s1.tar.gz",
                  "size": 2048,
                  "lastModified": 0
                }
              ]
            }
            """;
        Assert.Equal(Official.ReplaceLineEndings("\n"), Encoding.UTF8.GetString(ManifestFile.ToBytes(plain)).ReplaceLineEndings("\n"));
    }

    /// <summary>Go matches names without regard to case: one of ours that differs by case alone would overwrite an official field.</summary>
    [Fact]
    public void No_two_fields_of_an_object_differ_by_case_alone()
    {
        using var json = JsonDocument.Parse(ManifestFile.ToBytes(Full));
        CheckNames(json.RootElement);

        static void CheckNames(JsonElement element)
        {
            if (element.ValueKind == JsonValueKind.Object)
            {
                var names = element.EnumerateObject().Select(p => p.Name).ToList();
                Assert.Equal(names.Count, names.Distinct(StringComparer.OrdinalIgnoreCase).Count());
                element.EnumerateObject().ToList().ForEach(p => CheckNames(p.Value));
            }
            else if (element.ValueKind == JsonValueKind.Array)
            {
                element.EnumerateArray().ToList().ForEach(CheckNames);
            }
        }
    }

    [Fact]
    public void A_manifest_cut_at_any_byte_is_refused()
    {
        var bytes = ManifestFile.ToBytes(Full);
        using var directory = new TemporaryDirectory();
        for (var length = 0; length < bytes.Length; length++)
        {
            File.WriteAllBytes(directory["x.manifest"], bytes[..length]);
            Assert.Equal("ManifestInvalid", Assert.Throws<InfluxBackupException>(() => ManifestFile.Read(directory["x.manifest"])).Id);
        }
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{\"nodeId\":4},{\"nodeId\":4}")]
    public void Owners_that_can_not_be_are_refused(string owners) => Refused(
        $"{{\"meta\":{{\"fileName\":\"a.meta\"}},\"files\":[{{\"database\":\"d\",\"policy\":\"p\",\"shardID\":1,\"fileName\":\"a.s1.tar.gz\",\"owners\":[{owners}]}}]}}");

    [Fact]
    public void Case_order_unknown_fields_and_a_byte_order_mark_do_not_matter()
    {
        var manifest = Read("\uFEFF{\"FILES\":null,\"future\":{\"x\":[1]},\"Meta\":{\"SIZE\":5,\"filename\":\"a.meta\"}}");
        Assert.Equal((5L, "a.meta", false), (manifest.Meta.Size, manifest.Meta.FileName, manifest.Limited));
        Assert.Null(manifest.Files);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"meta\":null}")]
    [InlineData("{\"meta\":{\"size\":1}}")]
    [InlineData("{\"meta\":{\"fileName\":\"../x.meta\"}}")]
    [InlineData("{\"meta\":{\"fileName\":\"C:x.meta\"}}")]
    [InlineData("{\"meta\":{\"fileName\":\"\"}}")]
    [InlineData("{\"meta\":{\"fileName\":\"x\",\"size\":-1}}")]
    [InlineData("{\"meta\":{\"fileName\":\"x\"},\"files\":[null]}")]
    [InlineData("{\"meta\":{\"fileName\":\"x\"},\"influxBackup\":{\"options\":null}}")]
    [InlineData("{\"meta\":{\"fileName\":\"x\"},\"influxBackup\":{\"warnings\":null}}")]
    [InlineData("{\"meta\":{\"fileName\":\"x\"},\"influxBackup\":{\"missingShards\":null}}")]
    [InlineData("{\"meta\":{\"fileName\":\"x\"},\"influxBackup\":{\"missingShards\":[null]}}")]
    [InlineData("{\"meta\":{\"fileName\":\"x\"},\"influxBackup\":{\"outcome\":\"Splendid\"}}")]
    public void What_can_not_be_is_refused(string json) => Refused(json);

    [Theory]
    [InlineData("\"shardID\":0", "shard id 0")]
    [InlineData("\"shardID\":-1", "shardID")]
    [InlineData("\"shardID\":1,\"size\":-1", "size -1")]
    [InlineData("\"shardID\":1,\"database\":\"..\"", "no server accepts")]
    [InlineData("\"shardID\":1,\"database\":null", "no server accepts")]
    [InlineData("\"shardID\":1,\"policy\":\"a/b\"", "no server accepts")]
    [InlineData("\"shardID\":1,\"policy\":\"a\\\\b\"", "no server accepts")]
    [InlineData("\"shardID\":1,\"entries\":[null]", "list")]
    public void A_file_that_can_not_be_is_refused(string fields, string word) =>
        Assert.Contains(word, Refused($"{{\"meta\":{{\"fileName\":\"x\"}},\"files\":[{{\"fileName\":\"f\",{fields}}}]}}").Message, StringComparison.Ordinal);

    [Fact]
    public void Neither_a_shard_nor_a_file_may_be_listed_twice()
    {
        Refused("{\"meta\":{\"fileName\":\"x\"},\"files\":[{\"fileName\":\"f\",\"shardID\":1},{\"fileName\":\"g\",\"shardID\":1}]}");
        Refused("{\"meta\":{\"fileName\":\"x\"},\"files\":[{\"fileName\":\"f\",\"shardID\":1},{\"fileName\":\"f\",\"shardID\":2}]}");
    }

    [Fact]
    public void A_missing_manifest_is_named() =>
        Assert.Equal("PathNotReadable", Assert.Throws<InfluxBackupException>(() => ManifestFile.Read(Path.Combine(Path.GetTempPath(), "no", "such.manifest"))).Id);
}
