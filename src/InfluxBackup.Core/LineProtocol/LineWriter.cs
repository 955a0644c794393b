using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using InfluxBackup.Tsm;
using InfluxBackup.Tsm.Merging;

namespace InfluxBackup.LineProtocol;

/// <summary>
/// Writes the rows of a series as lines:
/// <code>measurement,tag=value field=1.5,other=2i 1500000000000000000</code>
/// with all fields of a time in one line, or with one field a line as <c>influx_inspect export</c> does it. Values are printed as
/// there: floats by <see cref="FloatText"/>, integers with <c>i</c>, unsigned integers with <c>u</c>, strings in quotes.
/// </summary>
public sealed class LineWriter
{
    /// <summary>Names up to this length are copied as one vector; behind each there is room for that.</summary>
    private const int Short = 16;
    private const int NumberEnd = 1;

    /// <summary>What is reserved for a line at most. A field's text is 256 MiB at most, a server takes some megabytes.</summary>
    private const int MostRoom = 1 << 30;

    private byte[] names = new byte[1024];
    private Name[] nameAt = new Name[16];
    private Value[] values = new Value[16];
    private TimeText timeText;

    private readonly record struct Name(int Start, int Length);

    /// <summary>The values of one column of the rows at hand.</summary>
    private struct Value
    {
        public int NameStart;
        public int NameLength;
        public TsmBlockType Type;
        public TsmPoints Points;
        public long[] Numbers;
        public int From;
    }

    /// <summary>Lines written.</summary>
    public long Lines { get; private set; }

    /// <summary>Field values written.</summary>
    public long Points { get; private set; }

    /// <summary>
    /// Prepares for a series. False if line protocol has no form for it: its key or the name of a field holds a line feed, or its
    /// measurement begins with what a reader passes over.
    /// </summary>
    public bool TryBegin(SeriesReader series)
    {
        if (!CanWrite(series.SeriesKey))
        {
            return false;
        }
        var fields = series.FieldCount;
        if (nameAt.Length < fields)
        {
            Array.Resize(ref nameAt, Math.Max(fields, 2 * nameAt.Length));
            Array.Resize(ref values, nameAt.Length);
        }
        var at = 0;
        for (var i = 0; i < fields; i++)
        {
            var field = series.Field(i);
            if (!Escaping.IsWritable(field))
            {
                return false;
            }
            var room = at + 2 * field.Length + 2 + Short;
            if (names.Length < room)
            {
                Array.Resize(ref names, Math.Max(room, 2 * names.Length));
            }
            var start = at;
            names[at++] = (byte)',';
            at += Escaping.WriteFieldName(field, names.AsSpan(at));
            names[at++] = (byte)'=';
            nameAt[i] = new Name(start, at - start);
        }
        return true;
    }

    /// <summary>Whether line protocol has a form for a series and one of its fields, given as stored.</summary>
    public static bool CanWrite(ReadOnlySpan<byte> seriesKey, ReadOnlySpan<byte> field) => CanWrite(seriesKey) && Escaping.IsWritable(field);

    /// <summary>Whether line protocol has a form for a series.</summary>
    public static bool CanWrite(ReadOnlySpan<byte> seriesKey) => Escaping.IsWritableSeries(seriesKey);

    /// <summary>
    /// Writes the rows that the reader stands on, until the text is at least <paramref name="enough"/> long: a thousand rows of long
    /// strings are many megabytes. The reader gives the other rows again.
    /// </summary>
    /// <exception cref="TsmFormatException">A line would be longer than any server takes, and than memory holds.</exception>
    public void Write(SeriesReader series, TextBuffer text, int enough = int.MaxValue)
    {
        var key = series.SeriesKey;
        var times = series.Times;
        var columns = series.Columns;
        long room = key.Length + TimeText.MaxLength + 2 * Short;
        var hasStrings = false;
        for (var i = 0; i < columns.Length; i++)
        {
            var column = columns[i];
            var name = nameAt[column.Number];
            values[i] = new Value
            {
                NameStart = name.Start,
                NameLength = name.Length,
                Type = column.Points.Type,
                Points = column.Points,
                Numbers = column.Points.NumberArray,
                From = column.From,
            };
            room += name.Length + FloatText.MaxLength;
            hasStrings |= column.Points.Type == TsmBlockType.String;
        }
        var cells = values.AsSpan(0, columns.Length);
        var rows = 0;
        while (rows < times.Length && text.Length < enough)
        {
            var needed = hasStrings ? room + StringRoom(cells, rows) : room;
            if (needed > MostRoom)
            {
                throw new TsmFormatException($"The values of {TsmKey.Describe(key)} at {TsmTime.Describe(times[rows])} would make a line of up to {needed} bytes.");
            }
            ref var start = ref text.Reserve((int)needed);
            text.Advance(WriteLine(key, cells, rows, times[rows], ref start));
            rows++;
        }
        series.KeepRows(rows);
        Lines += rows;
        Points += (long)rows * columns.Length;
    }

    /// <summary>The sum of several strings may be more than an int holds, and what is reserved is written to without a check.</summary>
    private static long StringRoom(ReadOnlySpan<Value> cells, int row)
    {
        var room = 0L;
        foreach (ref readonly var cell in cells)
        {
            if (cell.Type == TsmBlockType.String)
            {
                room += 2L * cell.Points.String(cell.From + row).Length + 2;
            }
        }
        return room;
    }

    private int WriteLine(ReadOnlySpan<byte> key, ReadOnlySpan<Value> cells, int row, long time, ref byte start)
    {
        Unsafe.CopyBlockUnaligned(ref start, ref MemoryMarshal.GetReference(key), (uint)key.Length);
        ref var at = ref Unsafe.Add(ref start, key.Length);
        ref var firstSeparator = ref at;
        foreach (ref readonly var cell in cells)
        {
            CopyName(ref names[cell.NameStart], ref at, cell.NameLength);
            at = ref Unsafe.Add(ref at, cell.NameLength);
            at = ref Unsafe.Add(ref at, WriteValue(in cell, cell.From + row, ref at));
        }
        // Names begin with a comma; the first of a line with the space behind the series.
        firstSeparator = (byte)' ';
        at = (byte)' ';
        at = ref Unsafe.Add(ref at, 1);
        at = ref Unsafe.Add(ref at, timeText.Write(time, ref at));
        at = (byte)'\n';
        return (int)Unsafe.ByteOffset(ref start, ref at) + NumberEnd;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int WriteValue(in Value cell, int index, ref byte at)
    {
        switch (cell.Type)
        {
            case TsmBlockType.Float:
                return FloatText.Write(BitConverter.Int64BitsToDouble(cell.Numbers[index]), ref at);
            case TsmBlockType.Integer:
                var digits = DecimalText.Write(cell.Numbers[index], ref at);
                Unsafe.Add(ref at, digits) = (byte)'i';
                return digits + NumberEnd;
            case TsmBlockType.Unsigned:
                digits = DecimalText.Write((ulong)cell.Numbers[index], ref at);
                Unsafe.Add(ref at, digits) = (byte)'u';
                return digits + NumberEnd;
            case TsmBlockType.Boolean:
                return WriteBoolean(cell.Points.Booleans[index], ref at);
            default:
                return WriteString(cell.Points.String(index), ref at);
        }
    }

    private static int WriteBoolean(bool value, ref byte at)
    {
        var text = value ? "true"u8 : "false"u8;
        Unsafe.CopyBlockUnaligned(ref at, ref MemoryMarshal.GetReference(text), (uint)text.Length);
        return text.Length;
    }

    private static int WriteString(ReadOnlySpan<byte> value, ref byte at)
    {
        at = (byte)'"';
        var length = Escaping.WriteString(value, MemoryMarshal.CreateSpan(ref Unsafe.Add(ref at, 1), 2 * value.Length));
        Unsafe.Add(ref at, 1 + length) = (byte)'"';
        return length + 2;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyName(ref byte source, ref byte destination, int length)
    {
        if (length <= Short)
        {
            Vector128.LoadUnsafe(ref source).StoreUnsafe(ref destination);
        }
        else
        {
            Unsafe.CopyBlockUnaligned(ref destination, ref source, (uint)length);
        }
    }
}
