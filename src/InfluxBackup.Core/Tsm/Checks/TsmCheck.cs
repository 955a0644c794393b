namespace InfluxBackup.Tsm.Checks;

/// <summary>One question about a TSM file, asked at each stop of a <see cref="TsmWalk"/> that it is listed for.</summary>
internal abstract class TsmCheck
{
    /// <summary>The name in reports: the class name without "Check".</summary>
    public string Name { get; }

    protected TsmCheck() => Name = GetType().Name[..^"Check".Length];

    /// <summary>Reports what is wrong here.</summary>
    /// <returns>Whether the checks that follow in the list still make sense for the same file, key or block.</returns>
    public abstract bool Run(TsmWalk walk);

    /// <summary>Reports a problem of the key at hand.</summary>
    protected void Report(TsmWalk walk, long offset, string message) => walk.Add(Name, offset, message);
}
