using InfluxBackup.Snapshotter;

namespace InfluxBackup.Tests.Snapshotter;

/// <summary>Addresses as people write them.</summary>
public sealed class DataNodeAddressTests
{
    [Theory]
    [InlineData("influx01", "influx01", 8088)]
    [InlineData(" influx01:9088 ", "influx01", 9088)]
    [InlineData("10.0.0.1:1", "10.0.0.1", 1)]
    [InlineData("::1", "::1", 8088)]
    [InlineData("fe80::1%eth0", "fe80::1%eth0", 8088)]
    [InlineData("[::1]", "::1", 8088)]
    [InlineData("[2001:db8::2]:65535", "2001:db8::2", 65535)]
    [InlineData("größe.example", "größe.example", 8088)]
    public void An_address_is_read(string text, string host, int port)
    {
        var address = DataNodeAddress.Parse(text);
        Assert.Equal(new DataNodeAddress(host, port), address);
        Assert.Equal(address, DataNodeAddress.Parse(address.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData(":8088")]
    [InlineData("host:")]
    [InlineData("host:0")]
    [InlineData("host:65536")]
    [InlineData("host:-1")]
    [InlineData("host:+1")]
    [InlineData("host:8o88")]
    [InlineData("host: 1")]
    [InlineData("host/x")]
    [InlineData("my host")]
    [InlineData("[]")]
    [InlineData("[]:1")]
    [InlineData("[::1")]
    [InlineData("::1]")]
    [InlineData("[::1]x")]
    [InlineData("[::1]:")]
    [InlineData("http://host:8088")]
    [InlineData("tcp://host")]
    public void What_is_no_address_is_refused(string text)
    {
        var error = Assert.Throws<InfluxBackupException>(() => DataNodeAddress.Parse(text));
        Assert.Equal(("DataNodeAddressInvalid", ErrorKind.InvalidArgument), (error.Id, error.Kind));
    }
}
