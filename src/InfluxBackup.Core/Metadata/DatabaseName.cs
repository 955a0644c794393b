using System.Text;

namespace InfluxBackup.Metadata;

/// <summary>
/// The server's rules for names of databases and policies: 1 to 255 bytes, printable, no slashes, not <c>.</c> or <c>..</c>. A metadata
/// import does not check them, and a database with a slash in its name can't be dropped again.
/// </summary>
public static class DatabaseName
{
    private const int Longest = 255;

    /// <summary>Checks a name that the user gives to a database or policy.</summary>
    /// <param name="name">The name.</param>
    /// <param name="what">"database" or "retention policy".</param>
    /// <exception cref="InfluxBackupException">No server accepts it.</exception>
    public static void Check(string name, string what)
    {
        var bytes = Encoding.UTF8.GetByteCount(name);
        var isValid = bytes is > 0 and <= Longest && name is not ("." or "..")
            && !name.AsSpan().ContainsAny('/', '\\') && !name.EnumerateRunes().Any(r => Rune.IsControl(r) || (Rune.IsWhiteSpace(r) && r.Value != ' '));
        if (!isValid)
        {
            throw new InfluxBackupException("NameInvalid", ErrorKind.InvalidArgument, $"'{name}' can't be the name of a {what}.")
            {
                Subject = name,
                Remedy = "A name has 1 to 255 bytes, printable characters only, no slash or backslash, and is not '.' or '..'.",
            };
        }
    }
}
