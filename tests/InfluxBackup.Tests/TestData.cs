namespace InfluxBackup.Tests;

/// <summary>Golden and hostile data beside the tests.</summary>
internal static class TestData
{
    public static string Directory { get; } = Path.Combine(AppContext.BaseDirectory, "Data");

    /// <summary>Damaged and malicious sets; their README says what each is.</summary>
    public static string Hostile(string name) => Path.Combine(Directory, "hostile", name);

    /// <summary>Sets that real servers and their own tools wrote.</summary>
    public static string Golden(string server, string set = "portable") => Path.Combine(Directory, server, set);
}
