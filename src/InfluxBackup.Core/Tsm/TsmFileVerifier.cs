using InfluxBackup.Tsm.Checks;

namespace InfluxBackup.Tsm;

/// <summary>
/// Runs all checks over a TSM file and reports what they find. Damage never throws; an I/O error does.
/// </summary>
public static class TsmFileVerifier
{
    /// <summary>Checks structure and checksums and unpacks every block.</summary>
    public static TsmFileReport Verify(TsmFile file, CancellationToken cancel) => Verify(file, TsmVerifyOptions.Default, cancel);

    public static TsmFileReport Verify(TsmFile file, TsmVerifyOptions options, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(options);
        using var walk = new TsmWalk(file, options);
        Walk(walk, options, cancel);
        return walk.Report();
    }

    private static void Walk(TsmWalk walk, TsmVerifyOptions options, CancellationToken cancel)
    {
        if (!TsmChecks.OfFile.Pass(walk))
        {
            return;
        }
        while (walk.NextKey())
        {
            if (!TsmChecks.OfKey.Pass(walk))
            {
                continue;
            }
            while (walk.NextBlock())
            {
                cancel.ThrowIfCancellationRequested();
                if (TsmChecks.OfBlock.Pass(walk) && options.DecodeBlocks)
                {
                    TsmChecks.OfPoints.Pass(walk);
                }
            }
            walk.EndKey();
        }
        TsmChecks.OfWhole.Pass(walk);
    }

    /// <summary>Runs checks in order until one says that the rest makes no sense.</summary>
    private static bool Pass(this TsmCheck[] checks, TsmWalk walk)
    {
        foreach (var check in checks)
        {
            if (!check.Run(walk))
            {
                return false;
            }
        }
        return true;
    }
}
