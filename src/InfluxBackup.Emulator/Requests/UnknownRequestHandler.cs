namespace InfluxBackup.Emulator;

/// <summary>Types that no server answers: the series file backup and everything above 7.</summary>
internal sealed class UnknownRequestHandler : IRequestHandler
{
    public Task HandleAsync(IncomingRequest request, FaultyStream connection, ActiveFaults faults, CancellationToken cancel) =>
        throw new RequestRefusedException($"request type unknown: {(int)request.Type}");
}
