using System.Collections;
using System.Management.Automation;

namespace InfluxBackup.PowerShell.Completion;

/// <summary>What the command line has named so far, as far as it is known before it runs.</summary>
internal sealed class BoundParameters(IDictionary bound)
{
    public string? Path => Text("LiteralPath") ?? Text("PSPath") ?? Text("Path");

    public string? DataDirectory => Text("DataDirectory");

    public string? WalDirectory => Text("WalDirectory");

    public string? MetaDirectory => Text("MetaDirectory");

    public string? DataNode => Text("DataNode") ?? Text("ComputerName");

    public IReadOnlyList<string> MetaNodes => All("MetaNode").ToList();

    public string? Timestamp => Text("Timestamp");

    public IReadOnlyList<string> Databases => All("Database").ToList();

    public IReadOnlyList<string> RetentionPolicies => All("RetentionPolicy").ToList();

    public bool UseTls => Switch("UseTls");

    public bool UseDataNodeTls => Switch("UseDataNodeTls");

    public bool SkipCertificateCheck => Switch("SkipCertificateCheck");

    private string? Text(string name) => All(name).FirstOrDefault();

    private bool Switch(string name) => LanguagePrimitives.IsTrue(bound[name]);

    private IEnumerable<string> All(string name) => bound[name] switch
    {
        null => [],
        string text => [text],
        IEnumerable several => several.Cast<object>().Select(o => $"{o}"),
        var other => [$"{other}"],
    };
}
