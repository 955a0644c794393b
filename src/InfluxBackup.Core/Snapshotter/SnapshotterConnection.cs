using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace InfluxBackup.Snapshotter;

/// <summary>
/// One connection to a data node: bounds every wait, and turns what sockets throw into errors that name the host.
/// A plain stream to its users; forward only.
/// </summary>
public sealed class SnapshotterConnection : Stream
{
    private readonly Socket socket;
    private readonly Stream stream;
    private readonly DataNodeAddress address;
    private readonly TimeSpan idleTimeout;

    // Each is used again and again, one for each direction: a new source and timer for every read are garbage by the megabyte.
    private CancellationTokenSource readLimit = new();
    private CancellationTokenSource writeLimit = new();

    private SnapshotterConnection(Socket socket, Stream stream, DataNodeAddress address, TimeSpan idleTimeout)
    {
        this.socket = socket;
        this.stream = stream;
        this.address = address;
        this.idleTimeout = idleTimeout;
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Connects.</summary>
    /// <exception cref="InfluxBackupException">Nobody answers, or not with the TLS that was asked for.</exception>
    public static async Task<SnapshotterConnection> OpenAsync(DataNodeAddress address, SnapshotterOptions options, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(address);
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limited.CancelAfter(options.ConnectTimeout);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveBufferSize = 1 << 20 };
        try
        {
            await socket.ConnectAsync(address.Host, address.Port, limited.Token).ConfigureAwait(false);
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (options.UseTls)
            {
                var tls = new SslStream(stream);
                stream = tls;
                await tls.AuthenticateAsClientAsync(
                    new SslClientAuthenticationOptions
                    {
                        TargetHost = address.Host,
                        RemoteCertificateValidationCallback = CertificateCheck.Of(options.SkipCertificateCheck),
                    },
                    limited.Token).ConfigureAwait(false);
            }

            return new SnapshotterConnection(socket, stream, address, options.IdleTimeout);
        }
        catch (Exception e)
        {
            socket.Dispose();
            cancel.ThrowIfCancellationRequested();
            throw e switch
            {
                SocketException s => Unreachable(address, s),
                OperationCanceledException => Failed(address, "DataNodeUnreachable", $"did not accept a connection within {options.ConnectTimeout.TotalSeconds:0} s", e),
                AuthenticationException => TlsRefused(address, e),
                IOException => Failed(address, "DataNodeUnreachable", $"broke off the TLS handshake ({e.Message})", e),
                _ => e,
            };
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var limit = Limit(ref readLimit);
        using var linked = cancellationToken.UnsafeRegister(CancelLimit, limit);
        try
        {
            return await stream.ReadAsync(buffer, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Broken(e, "sent nothing");
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var limit = Limit(ref writeLimit);
        using var linked = cancellationToken.UnsafeRegister(CancelLimit, limit);
        try
        {
            await stream.WriteAsync(buffer, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Broken(e, "took nothing");
        }
    }

    /// <summary>Says that nothing more will be sent; reading goes on.</summary>
    public async Task FinishWritingAsync(CancellationToken cancel)
    {
        try
        {
            if (stream is SslStream tls)
            {
                await tls.ShutdownAsync().WaitAsync(idleTimeout, cancel).ConfigureAwait(false);
            }

            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is IOException or SocketException or TimeoutException)
        {
            throw Broken(e, "took nothing");
        }
    }

    /// <summary>Reads what is left, up to a limit, into memory.</summary>
    /// <exception cref="InfluxBackupException">More comes than <paramref name="limit"/> bytes, or the connection breaks.</exception>
    public async Task<byte[]> ReadToEndAsync(int limit, CancellationToken cancel)
    {
        using var all = new MemoryStream();
        var buffer = new byte[16 * 1024];
        for (int read; (read = await ReadAsync(buffer, cancel).ConfigureAwait(false)) > 0;)
        {
            if (all.Length + read > limit)
            {
                throw Failed(address, "AnswerTooLong", $"sent more than {limit} bytes where a short answer was expected", null);
            }

            all.Write(buffer, 0, read);
        }

        return all.ToArray();
    }

    /// <summary>Ends the connection with a reset, so that the server gives up the upload at once instead of waiting for more.</summary>
    public void Abort()
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
            socket.Close();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Already gone, which is what was wanted.
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read asynchronously.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Write asynchronously.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            stream.Dispose();
            socket.Dispose();
            readLimit.Dispose();
            writeLimit.Dispose();
        }

        base.Dispose(disposing);
    }

    private static void CancelLimit(object? limit) => ((CancellationTokenSource)limit!).Cancel();

    private CancellationTokenSource Limit(ref CancellationTokenSource limit)
    {
        if (!limit.TryReset())
        {
            limit.Dispose();
            limit = new CancellationTokenSource();
        }

        limit.CancelAfter(idleTimeout);
        return limit;
    }

    private InfluxBackupException Broken(Exception e, string silence) => e switch
    {
        OperationCanceledException or TimeoutException =>
            Failed(address, "DataNodeTimeout", $"{silence} for {idleTimeout.TotalSeconds:0} s", e),
        _ => Failed(address, "ConnectionBroken", $"broke the connection ({(e.InnerException as SocketException ?? e).Message})", e),
    };

    private static InfluxBackupException Unreachable(DataNodeAddress address, SocketException e) => e.SocketErrorCode switch
    {
        SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData => new InfluxBackupException(
            "HostNotFound", ErrorKind.Connection, $"The host name '{address.Host}' can't be resolved.", e)
        {
            Subject = address.ToString(),
            Remedy = "Check the spelling and the name service.",
        },
        SocketError.ConnectionRefused => Failed(address, "DataNodeUnreachable", "refuses the connection: nothing listens there", e),
        _ => Failed(address, "DataNodeUnreachable", $"can't be reached ({e.Message})", e),
    };

    private static InfluxBackupException Failed(DataNodeAddress address, string id, string what, Exception? e) =>
        new(id, ErrorKind.Connection, $"Data node {address} {what}.", e)
        {
            Subject = address.ToString(),
            IsTransient = true,
            Remedy = id == "DataNodeUnreachable"
                ? "Check that influxd runs, that bind-address in influxdb.conf is an address this machine can reach (the default is 127.0.0.1:8088), and that no firewall is in between."
                : null,
        };

    private static InfluxBackupException TlsRefused(DataNodeAddress address, Exception e) =>
        new("TlsFailed", ErrorKind.Security, $"Data node {address} could not be authenticated over TLS: {e.Message}", e)
        {
            Subject = address.ToString(),
            Remedy = "Check that the port speaks TLS and that its certificate is valid for this name, or skip the certificate check.",
        };
}
