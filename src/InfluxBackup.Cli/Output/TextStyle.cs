namespace InfluxBackup.Cli.Output;

/// <summary>A little colour on a terminal that shows it; plain text everywhere else.</summary>
internal sealed class TextStyle(bool isColoured)
{
    public string Bold(string text) => Wrap(text, "1");

    public string Dim(string text) => Wrap(text, "2");

    public string Red(string text) => Wrap(text, "31");

    public string Green(string text) => Wrap(text, "32");

    public string Yellow(string text) => Wrap(text, "33");

    private string Wrap(string text, string code) => isColoured ? $"\u001b[{code}m{text}\u001b[0m" : text;
}
