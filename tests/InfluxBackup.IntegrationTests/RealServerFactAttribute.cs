using System.Runtime.CompilerServices;
using InfluxBackup.IntegrationTests.RealServer;

namespace InfluxBackup.IntegrationTests;

/// <summary>
/// A test that needs a real influxd. Where there is none it is reported as skipped, unless
/// <c>INFLUXBACKUP_REQUIRE_INFLUXD=1</c> says that there must be one: then it runs, and fails.
/// </summary>
public sealed class RealServerFactAttribute : FactAttribute
{
    public RealServerFactAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        Skip = RealServerRequirement.SkipReason;
        Timeout = RealServerRequirement.TimeoutMilliseconds;
    }
}

/// <summary>As <see cref="RealServerFactAttribute"/>, with data.</summary>
public sealed class RealServerTheoryAttribute : TheoryAttribute
{
    public RealServerTheoryAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        Skip = RealServerRequirement.SkipReason;
        Timeout = RealServerRequirement.TimeoutMilliseconds;
    }
}

internal static class RealServerRequirement
{
    public const int TimeoutMilliseconds = 5 * 60 * 1000;

    public static string? SkipReason =>
        InfluxServer.IsInstalled || Environment.GetEnvironmentVariable("INFLUXBACKUP_REQUIRE_INFLUXD") == "1"
            ? null
            : "influxd is not on the PATH.";
}
