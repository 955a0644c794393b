using System.Text;
using InfluxBackup.BackupSets;
using InfluxBackup.Http;

namespace InfluxBackup.Operations;

/// <summary>
/// The lines that are not in the database, in a file that can be imported again once the cause is dealt with: each line as it was,
/// before it a comment with its place and the reason.
/// <code>
/// # DML
/// # CONTEXT-DATABASE:db
/// # CONTEXT-RETENTION-POLICY:rp
/// # /exports/db.lp line 17: field type conflict: …
/// m f="text" 1500000000000000000
/// </code>
/// The file is made with the first such line.
/// </summary>
internal sealed class ImportRejects(string path, string source, bool append) : IDisposable
{
    private const int Remembered = 1000;
    private const int ShownLength = 200;
    private const int ReasonLength = 1000;

    private readonly object gate = new();
    private readonly List<ImportRejection> first = [];
    private readonly List<long> unsettled = [];
    private FileStream? file;
    private WriteTarget? target;
    private bool hasTarget;
    private long count;
    private long settled;

    public long Count => Interlocked.Read(ref count);

    /// <summary>Whether <see cref="CountBefore"/> will be asked.</summary>
    public bool IsSettled { get; init; }

    /// <summary>The file; null while there is none.</summary>
    public string? Path => file is null ? null : path;

    public IReadOnlyList<ImportRejection> First
    {
        get
        {
            lock (gate)
            {
                return [.. first];
            }
        }
    }

    /// <summary>Takes a line.</summary>
    /// <param name="where">Where it was to go, where that is known.</param>
    /// <param name="isWhole">Whether <paramref name="line"/> is all of it; a part is only shown, because it would be another point.</param>
    public void Add(WriteTarget? where, long number, string reason, ReadOnlySpan<byte> line, bool isWhole = true)
    {
        lock (gate)
        {
            try
            {
                Write(where, number, reason, line, isWhole);
            }
            catch (Exception e) when (LocalFile.IsFileError(e))
            {
                throw LocalFile.WriteFailed(path, e);
            }

            count++;
            if (IsSettled)
            {
                unsettled.Add(number);
            }

            if (first.Count < Remembered)
            {
                first.Add(new ImportRejection(number, Shorten(reason, ReasonLength), Show(line)));
            }
        }
    }

    /// <summary>Lines before a place, which only moves forward. What was rejected behind it a run that resumes there will reject again.</summary>
    public long CountBefore(long number)
    {
        lock (gate)
        {
            settled += unsettled.RemoveAll(n => n < number);
            return settled;
        }
    }

    /// <summary>Has everything so far on the disk.</summary>
    public void Flush()
    {
        lock (gate)
        {
            file?.Flush(flushToDisk: true);
        }
    }

    public void Dispose() => file?.Dispose();

    /// <summary>The beginning of a line, as text of one line.</summary>
    internal static string Show(ReadOnlySpan<byte> line) =>
        OneLine(Encoding.UTF8.GetString(line[..Math.Min(line.Length, ShownLength)])) + (line.Length > ShownLength ? "…" : "");

    private void Write(WriteTarget? where, long number, string reason, ReadOnlySpan<byte> line, bool isWhole)
    {
        if (file is null)
        {
            file = append && File.Exists(path) ? Continue(path) : LocalFile.Create(path);
            WriteText("# DML\n");
        }

        if (where is not null && (!hasTarget || where != target))
        {
            WriteText($"# CONTEXT-DATABASE:{where.Database}\n# CONTEXT-RETENTION-POLICY:{where.RetentionPolicy}\n");
            (target, hasTarget) = (where, true);
        }

        WriteText($"# {source} line {number}: {Shorten(OneLine(reason), ReasonLength)}\n");
        if (isWhole)
        {
            file.Write(line);
            WriteText("\n");
        }
        else
        {
            WriteText($"# It begins with: {Show(line)}\n");
        }
    }

    /// <summary>
    /// Opens a file that earlier lines lie in. A run that was killed may have left a line half-written, which would be another point:
    /// what follows the last line feed is cut off. Nothing is lost, the line lies behind the checkpoint and is refused once more.
    /// </summary>
    private static FileStream Continue(string path)
    {
        var file = LocalFile.OpenExisting(path);
        if (!file.CanSeek || file.Length == 0)
        {
            return file;
        }

        var buffer = new byte[4096];
        var end = file.Length;
        while (end > 0)
        {
            var length = (int)Math.Min(buffer.Length, end);
            file.Position = end - length;
            file.ReadExactly(buffer.AsSpan(0, length));
            var found = buffer.AsSpan(0, length).LastIndexOf((byte)'\n');
            if (found >= 0)
            {
                end = end - length + found + 1;
                break;
            }

            end -= length;
        }

        file.Position = end;
        if (end < file.Length)
        {
            file.SetLength(end);
        }

        return file;
    }

    private void WriteText(string text) => file!.Write(Encoding.UTF8.GetBytes(text));

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");

    private static string Shorten(string text, int length) => text.Length > length ? text[..length] + "…" : text;
}
