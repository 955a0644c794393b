using InfluxBackup.Bench;
using InfluxBackup.Bench.Export;
using InfluxBackup.IntegrationTests.RealServer;

using var interrupt = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    interrupt.Cancel();
};

try
{
    var options = BenchOptions.Parse(args);
    return options.Verb switch
    {
        "backup" => await new BackupBench(options).RunAsync(interrupt.Token),
        "restore" => await new RestoreBench(options).RunAsync(interrupt.Token),
        "test" => await new TestBench(options).RunAsync(interrupt.Token),
        "import" => await new ImportBench(options).RunAsync(interrupt.Token),
        // What the import bench starts as a process of its own.
        "null-sink" => await NullSink.RunAsync(options.Latency, interrupt.Token),
        "memory" => await new MemoryBench(options).RunAsync(interrupt.Token),
        "cluster" => await new ClusterBench(options).RunAsync(interrupt.Token),
        "decode" => new DecodeBench(options).Run(interrupt.Token),
        "export" => await new ExportBench(options).RunAsync(interrupt.Token),
        "export-memory" => await new ExportMemoryBench(options).RunAsync(interrupt.Token),
        // What the backup bench starts as a process of its own, so that it is measured like the others.
        "bare-reader" => await BareReader.RunAsync(SnapshotPort.Parse(options.DataNode), options.Connections, interrupt.Token),
        _ => BenchOptions.PrintUsage(),
    };
}
catch (OperationCanceledException) when (interrupt.IsCancellationRequested)
{
    return 130;
}
catch (BenchException problem)
{
    await Console.Error.WriteLineAsync(problem.Message);
    return 1;
}
