using System.Text;

namespace InfluxBackup.IntegrationTests.Emulator.Cluster;

/// <summary>Commands of <c>/execute</c>, byte by byte.</summary>
internal static class Command
{
    public static byte[] Of(int type, params byte[][] fields)
    {
        byte[] body = [.. fields.SelectMany(f => f)];
        return [0x08, .. Varint((ulong)type), .. Varint(((ulong)(100 + type) << 3) | 2), .. Varint((ulong)body.Length), .. body];
    }

    public static byte[] Text(int number, string value) => Bytes(number, Encoding.UTF8.GetBytes(value));

    public static byte[] Bytes(int number, byte[] value) => [.. Varint(((ulong)number << 3) | 2), .. Varint((ulong)value.Length), .. value];

    public static byte[] Number(int number, long value) => [.. Varint((ulong)number << 3), .. Varint(unchecked((ulong)value))];

    public static byte[] CreateDatabase(string name) => Of(3, Text(1, name));

    public static byte[] CreateDatabase(string name, string policy, long duration, long groupDuration, int replicas) =>
        Of(3, Text(1, name), Bytes(2, Policy(policy, duration, groupDuration, replicas)));

    public static byte[] CreateShardGroup(string database, string policy, long time) => Of(9, Text(1, database), Text(2, policy), Number(3, time));

    public static byte[] Policy(string name, long duration, long groupDuration, int replicas) =>
        [.. Text(1, name), .. Number(2, duration), .. Number(3, groupDuration), .. Number(4, replicas)];

    private static byte[] Varint(ulong value) => value < 0x80 ? [(byte)value] : [(byte)(value | 0x80), .. Varint(value >> 7)];
}
