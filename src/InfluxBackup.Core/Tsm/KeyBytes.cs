namespace InfluxBackup.Tsm;

/// <summary>
/// Bytes as a key of a dictionary, compared by what they are. One around a buffer that is used again serves to look up without
/// allocation; <see cref="Copy"/> makes one to be kept.
/// </summary>
internal readonly struct KeyBytes(byte[] bytes, int length)
{
    public static IEqualityComparer<KeyBytes> Comparer { get; } = new BytesComparer();

    public ReadOnlySpan<byte> Span => bytes.AsSpan(0, length);

    public KeyBytes Copy() => new(bytes[..length], length);

    private sealed class BytesComparer : IEqualityComparer<KeyBytes>
    {
        public bool Equals(KeyBytes x, KeyBytes y) => x.Span.SequenceEqual(y.Span);

        public int GetHashCode(KeyBytes key)
        {
            var hash = default(HashCode);
            hash.AddBytes(key.Span);
            return hash.ToHashCode();
        }
    }
}
