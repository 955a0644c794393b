using System.Diagnostics;

namespace InfluxBackup.IntegrationTests.RealServer;

/// <summary>The last lines that a server wrote; enough to explain a failure, never much memory.</summary>
internal sealed class ServerLog
{
    private const int LinesKept = 400;
    private readonly Queue<string> _lines = new();

    /// <summary>Reads both outputs of a process that was just started, until they end.</summary>
    public void Capture(Process process)
    {
        process.OutputDataReceived += (_, e) => Add(e.Data);
        process.ErrorDataReceived += (_, e) => Add(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public void Clear()
    {
        lock (_lines)
        {
            _lines.Clear();
        }
    }

    public override string ToString()
    {
        lock (_lines)
        {
            return string.Join('\n', _lines);
        }
    }

    private void Add(string? line)
    {
        if (line is null)
        {
            return;
        }
        lock (_lines)
        {
            _lines.Enqueue(line);
            if (_lines.Count > LinesKept)
            {
                _lines.Dequeue();
            }
        }
    }
}
