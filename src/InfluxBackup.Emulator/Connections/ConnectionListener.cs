using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace InfluxBackup.Emulator;

/// <summary>Serves one connection; it is closed afterwards.</summary>
internal interface IConnectionHandler
{
    Task HandleAsync(FaultyStream connection, CancellationToken cancel);
}

/// <summary>Listens on loopback and serves so many connections at once; each one ends in a close, a reset or a kill.</summary>
internal sealed class ConnectionListener : IDisposable
{
    private readonly Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly IConnectionHandler handler;
    private readonly X509Certificate2? certificate;
    private readonly EmulatorLog log;
    private readonly Bandwidth? bandwidth;
    private readonly SemaphoreSlim slots;
    private readonly CancellationTokenSource stopping = new();
    private readonly CancellationTokenSource killed = new();
    private readonly ConcurrentDictionary<Task, Socket> connections = [];
    private readonly Task accepting;
    private int served;
    private int peak;

    public ConnectionListener(int port, int maxConnections, IConnectionHandler handler, X509Certificate2? certificate, EmulatorLog log, long? bytesPerSecond = null)
    {
        bandwidth = bytesPerSecond is { } rate ? new Bandwidth(rate) : null;
        this.handler = handler;
        this.certificate = certificate;
        this.log = log;
        slots = new SemaphoreSlim(maxConnections, maxConnections);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen(512);
        Port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        accepting = AcceptAsync();
    }

    public int Port { get; }

    public int ActiveConnections => connections.Count;

    /// <summary>The most connections that were served at the same time.</summary>
    public int PeakConnections => peak;

    /// <summary>Takes no more connections and waits for the running ones, stalled ones excepted; what takes longer is killed.</summary>
    public async Task StopAsync(TimeSpan timeout)
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        listener.Dispose();
        await accepting.ConfigureAwait(false);
        await Task.WhenAny(Task.WhenAll(connections.Keys), Task.Delay(timeout)).ConfigureAwait(false);
        await KillAsync().ConfigureAwait(false);
    }

    /// <summary>Closes everything at once, as the death of the process does.</summary>
    public async Task KillAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        listener.Dispose();
        foreach (var socket in connections.Values)
        {
            socket.Dispose();
        }

        await killed.CancelAsync().ConfigureAwait(false);
        await accepting.ConfigureAwait(false);
        await Task.WhenAll(connections.Keys).ConfigureAwait(false);
    }

    public void Dispose()
    {
        listener.Dispose();
        slots.Dispose();
        stopping.Dispose();
        killed.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (!stopping.IsCancellationRequested)
            {
                await slots.WaitAsync(stopping.Token).ConfigureAwait(false);
                var socket = await listener.AcceptAsync(stopping.Token).ConfigureAwait(false);
                Serve(socket);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The node is being stopped.
        }
    }

    private void Serve(Socket socket)
    {
        // The task must be on the list before it can take itself off.
        var started = new TaskCompletionSource();
        var task = ServeAsync(socket, started.Task);
        connections[task] = socket;
        peak = Math.Max(peak, Interlocked.Increment(ref served));
        _ = task.ContinueWith(t => connections.TryRemove(t, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        started.SetResult();
    }

    private async Task ServeAsync(Socket socket, Task started)
    {
        await started.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            socket.NoDelay = true;
            var network = new NetworkStream(socket, ownsSocket: false);
            await using (network.ConfigureAwait(false))
            {
                await ServeAsync(network).ConfigureAwait(false);
            }
        }
        catch (ConnectionFaultException e)
        {
            if (e.IsReset)
            {
                socket.LingerState = new LingerOption(true, 0);
            }
        }
        catch (Exception e)
        {
            // A client that goes away, a killed node, a refused request: the connection ends here, the node goes on.
            log.Add(e is OperationCanceledException or ObjectDisposedException ? "use of closed network connection" : e.Message);
        }
        finally
        {
            socket.Dispose();
            Interlocked.Decrement(ref served); // Before its place is free for the next.
            slots.Release();
        }
    }

    private async Task ServeAsync(NetworkStream network)
    {
        if (certificate is null)
        {
            await handler.HandleAsync(new FaultyStream(network, stopping.Token, bandwidth), killed.Token).ConfigureAwait(false);
            return;
        }

        var tls = new SslStream(network, leaveInnerStreamOpen: true);
        await using (tls.ConfigureAwait(false))
        {
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, killed.Token).ConfigureAwait(false);
            try
            {
                await handler.HandleAsync(new FaultyStream(tls, stopping.Token, bandwidth), killed.Token).ConfigureAwait(false);
            }
            catch (RequestRefusedException e)
            {
                log.Add(e.Message); // Over TLS too a refusal is an orderly end of the connection.
            }

            await tls.ShutdownAsync().ConfigureAwait(false);
        }
    }
}
