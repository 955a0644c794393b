namespace InfluxBackup.Emulator;

/// <summary>Answers requests of one kind. When it returns, the connection is closed.</summary>
internal interface IRequestHandler
{
    /// <exception cref="RequestRefusedException">There is no answer, or no more of it.</exception>
    Task HandleAsync(IncomingRequest request, FaultyStream connection, ActiveFaults faults, CancellationToken cancel);
}
