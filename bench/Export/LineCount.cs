namespace InfluxBackup.Bench.Export;

/// <summary>Counts line ends: whether an output is as long as it should be.</summary>
internal static class LineCount
{
    public static long? Of(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }
        using var file = File.OpenRead(path);
        byte[] buffer = new byte[1 << 20];
        long lines = 0;
        for (int read = file.Read(buffer); read > 0; read = file.Read(buffer))
        {
            lines += buffer.AsSpan(0, read).Count((byte)'\n');
        }
        return lines;
    }
}
