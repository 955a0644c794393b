namespace InfluxBackup.Cluster;

/// <summary>A secret that the nodes of a cluster and those who talk to them know. Never printed.</summary>
public sealed class SharedSecret
{
    /// <exception cref="InfluxBackupException">The secret is empty: anybody could sign with it.</exception>
    public SharedSecret(string text)
    {
        Text = string.IsNullOrEmpty(text)
            ? throw new InfluxBackupException("SharedSecretEmpty", ErrorKind.InvalidArgument, "The shared secret is empty.")
            {
                Remedy = "Give the value of shared-secret, or of internal-shared-secret, in section [meta] of the meta nodes' configuration.",
            }
            : text;
    }

    internal string Text { get; }

    /// <inheritdoc/>
    public override string ToString() => "(secret)";
}
