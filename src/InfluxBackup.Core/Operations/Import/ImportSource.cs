using System.Security.Cryptography;
using InfluxBackup.BackupSets;

namespace InfluxBackup.Operations;

/// <summary>What an import reads: a file, or a stream that comes once.</summary>
public sealed class ImportSource
{
    private const int BufferSize = 256 << 10;
    private const int SampleSize = 1 << 20;

    private readonly Func<Stream> open;

    private ImportSource(string name, string? path, Func<Stream> open)
    {
        Name = name;
        Path = path;
        this.open = open;
    }

    /// <summary>For messages and results.</summary>
    public string Name { get; }

    /// <summary>Full path, when it is a file that can be read again.</summary>
    public string? Path { get; }

    public static ImportSource FromFile(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        return new ImportSource(full, full, () => new FileStream(full, new FileStreamOptions { BufferSize = BufferSize, Options = FileOptions.SequentialScan }));
    }

    /// <summary>A stream; the import disposes it.</summary>
    public static ImportSource FromStream(string name, Stream stream) => new(name, null, () => stream);

    /// <summary>Opens it as it lies.</summary>
    /// <exception cref="InfluxBackupException">It is not there, or can't be read.</exception>
    internal Stream Open()
    {
        try
        {
            return Directory.Exists(Path) ? throw NotAFile() : open();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InfluxBackupException("PathNotFound", ErrorKind.NotFound, $"There is no file '{Name}'.", e) { Subject = Name };
        }
        catch (Exception e) when (LocalFile.IsFileError(e))
        {
            throw LocalFile.ReadFailed(Name, e);
        }
    }

    /// <summary>
    /// Size, and SHA-256 of the first and the last megabyte: enough to know a file again. A compressed file has the checksum of all of
    /// its text at its end.
    /// </summary>
    internal static (long Length, string ContentSha256) Identify(Stream file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var sample = new byte[(int)Math.Min(SampleSize, file.Length)];
        foreach (var position in new[] { 0, file.Length - sample.Length })
        {
            file.Position = position;
            var read = file.ReadAtLeast(sample, sample.Length, throwOnEndOfStream: false);
            hash.AppendData(sample.AsSpan(0, read));
        }

        file.Position = 0;
        return (file.Length, Convert.ToHexString(hash.GetHashAndReset()).ToLowerInvariant());
    }

    private InfluxBackupException NotAFile() =>
        new("PathIsDirectory", ErrorKind.InvalidArgument, $"'{Name}' is a directory.") { Subject = Name, Remedy = "Name the files in it." };
}
