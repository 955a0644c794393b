namespace InfluxBackup.Tsm;

/// <summary>
/// Keys one after another in pages of bytes, each found again by a number: no object for each key, no large array that is copied
/// when it grows. A key lies in one page.
/// </summary>
internal sealed class KeyPages
{
    private const int PageBits = 20;
    private const int PageSize = 1 << PageBits;
    private const int FirstSize = 4 << 10;

    private readonly List<byte[]> pages = [];
    private int current;
    private int used;

    /// <summary>What the keys take, to a page.</summary>
    public long Bytes => pages.Count == 0 ? 0 : ((pages.Count - 1L) << PageBits) + used;

    /// <summary>Stores a key of at most 64 KiB and returns where it lies.</summary>
    /// <exception cref="TsmFormatException">There are 2 GiB of keys, more than the index of a TSM file can hold.</exception>
    public int Add(ReadOnlySpan<byte> key)
    {
        if (pages.Count > 0 && used + key.Length > PageSize)
        {
            current++;
            used = 0;
        }
        if (current == pages.Count)
        {
            if (pages.Count == 1 << (31 - PageBits))
            {
                throw new TsmFormatException("There are more keys than a TSM file can have: they take more than 2 GiB.");
            }
            // A small file needs no whole page.
            pages.Add(new byte[pages.Count == 0 ? FirstSize : PageSize]);
        }
        var page = pages[current];
        if (used + key.Length > page.Length)
        {
            Array.Resize(ref page, Math.Min(PageSize, Math.Max(used + key.Length, page.Length * 2)));
            pages[current] = page;
        }
        key.CopyTo(page.AsSpan(used));
        var at = (current << PageBits) | used;
        used += key.Length;
        return at;
    }

    /// <summary>Forgets all keys and keeps the pages for the next ones.</summary>
    public void Clear() => (current, used) = (0, 0);

    public ReadOnlySpan<byte> Get(int at, int length) => pages[at >> PageBits].AsSpan(at & (PageSize - 1), length);
}
