using System.Buffers;
using System.Globalization;
using System.Text;
using InfluxBackup.Tsm;

namespace InfluxBackup.Bench.Export;

/// <summary>
/// The TSM files of one generation of a shard, as a server's full compaction leaves them: <see cref="PointsPerBlock"/> points a
/// block, and another file where one becomes large. Keys must come in ascending order.
/// </summary>
/// <param name="directory">The shard's directory.</param>
/// <param name="generation">The first number in the files' names.</param>
internal sealed class ShardWriter(string directory, int generation) : IDisposable
{
    private const int PointsPerBlock = 1000;

    /// <summary>A server's limit is 2 GiB; a file ends with the key that goes beyond this.</summary>
    private const long EnoughForOneFile = 1_500_000_000;

    private readonly TsmBlockEncoder _encoder = new();
    private readonly ArrayBufferWriter<byte> _block = new(1 << 16);
    private byte[] _key = new byte[256];
    private TsmWriter? _writer;
    private FileStream? _file;
    private int _sequence;

    /// <summary>Values of all keys and files.</summary>
    public long Values { get; private set; }

    public void Write(string series, string field, ReadOnlySpan<long> times, ReadOnlySpan<double> values)
    {
        var writer = BeginKey(series, field, TsmBlockType.Float);
        for (int at = 0; at < times.Length; at += PointsPerBlock)
        {
            int count = Math.Min(PointsPerBlock, times.Length - at);
            _encoder.Encode(times.Slice(at, count), values.Slice(at, count), _block);
            WriteBlock(writer, times.Slice(at, count));
        }
    }

    public void Write(string series, string field, ReadOnlySpan<long> times, ReadOnlySpan<long> values)
    {
        var writer = BeginKey(series, field, TsmBlockType.Integer);
        for (int at = 0; at < times.Length; at += PointsPerBlock)
        {
            int count = Math.Min(PointsPerBlock, times.Length - at);
            _encoder.Encode(times.Slice(at, count), values.Slice(at, count), _block);
            WriteBlock(writer, times.Slice(at, count));
        }
    }

    public void Write(string series, string field, ReadOnlySpan<long> times, ReadOnlySpan<bool> values)
    {
        var writer = BeginKey(series, field, TsmBlockType.Boolean);
        for (int at = 0; at < times.Length; at += PointsPerBlock)
        {
            int count = Math.Min(PointsPerBlock, times.Length - at);
            _encoder.Encode(times.Slice(at, count), values.Slice(at, count), _block);
            WriteBlock(writer, times.Slice(at, count));
        }
    }

    /// <param name="strings">Where each value lies in <paramref name="text"/>.</param>
    public void Write(string series, string field, ReadOnlySpan<long> times, ReadOnlySpan<Range> strings, ReadOnlySpan<byte> text)
    {
        var writer = BeginKey(series, field, TsmBlockType.String);
        for (int at = 0; at < times.Length; at += PointsPerBlock)
        {
            int count = Math.Min(PointsPerBlock, times.Length - at);
            _encoder.Encode(times.Slice(at, count), strings.Slice(at, count), text, _block);
            WriteBlock(writer, times.Slice(at, count));
        }
    }

    /// <summary>Ends the last file; without this it is none.</summary>
    public void Complete()
    {
        _writer?.Complete();
        Dispose();
    }

    public void Dispose()
    {
        _writer?.Dispose();
        _file?.Dispose();
        _writer = null;
        _file = null;
    }

    /// <summary>The composite key of a field.</summary>
    public static byte[] Key(string series, string field) => [.. Encoding.UTF8.GetBytes(series), .. TsmKey.Separator, .. Encoding.UTF8.GetBytes(field)];

    /// <summary>Path of a shard's file.</summary>
    public static string PathOf(string directory, int generation, int sequence, string extension) =>
        Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"{generation:D9}-{sequence:D9}{extension}"));

    private TsmWriter BeginKey(string series, string field, TsmBlockType type)
    {
        if (_writer?.Length > EnoughForOneFile)
        {
            Complete();
        }
        if (_writer is null)
        {
            _file = new FileStream(PathOf(directory, generation, ++_sequence, ".tsm"), FileMode.CreateNew, FileAccess.Write);
            _writer = new TsmWriter(_file);
        }
        if (_key.Length < (series.Length + field.Length) * 4)
        {
            _key = new byte[(series.Length + field.Length) * 8];
        }
        int length = Encoding.UTF8.GetBytes(series, _key);
        TsmKey.Separator.CopyTo(_key.AsSpan(length));
        length += TsmKey.Separator.Length;
        length += Encoding.UTF8.GetBytes(field, _key.AsSpan(length));
        _writer.BeginKey(_key.AsSpan(0, length), type);
        return _writer;
    }

    private void WriteBlock(TsmWriter writer, ReadOnlySpan<long> times)
    {
        writer.WriteBlock(times[0], times[^1], _block.WrittenSpan);
        _block.ResetWrittenCount();
        Values += times.Length;
    }
}
