using System.Text;
using InfluxBackup.Tsm;

namespace InfluxBackup.Tests.Tsm;

/// <summary>A series belongs where servers put it.</summary>
public class SeriesSlotTests
{
    /// <summary>Keys as influxdb-cluster 1.8.11-c1.2.0 stored them, each with the place of its shard among the three of its group.</summary>
    [Theory]
    [InlineData(@"a\,b,_x=ü16,b\c=va\ l0,k\=v=日本19", 0)]
    [InlineData(@"back\slash,host=ß\,\ \=6,k\,ey=v\=al7", 0)]
    [InlineData(@"eq=in,_x=v23,host=v\=al6,k\,ey=va\ l23,ö=v25", 0)]
    [InlineData(@"hash#key!~x,_x=v\,al23,host=v\=al8,t=va\ l20,ta\ g=""q""13", 0)]
    [InlineData(@"m\ x,host=ß\,\ \=22,ö=x\y5", 0)]
    [InlineData(@"quote""d,b\c=va\ l25,host=x\y22", 0)]
    [InlineData(@"ünï\ çödé,k\,ey=v\=al19", 0)]
    [InlineData(@"a\,b,Z=""q""26,ö=日本21", 1)]
    [InlineData(@"cpu,Z=ü2,k\,ey=ß\,\ \=15,t=ß\,\ \=0,ta\ g=v19", 1)]
    [InlineData(@"eq=in,b\c=v8,t=v\=al16", 1)]
    [InlineData(@"größe,_x=日本28,host=日本6,ö=日本0", 1)]
    [InlineData(@"quote""d,b\c=ß\,\ \=2,k\,ey=x\y30,k\=v=日本6", 1)]
    [InlineData(@"日本,b\c=""q""30,host=v\=al27,k\=v=va\ l7,t=va\ l23", 1)]
    [InlineData(@"a\,b,Z=12,_x=v16,k\,ey=116", 2)]
    [InlineData(@"cpu", 2)]
    [InlineData(@"cpu,ö=v\,al3", 2)]
    [InlineData(@"m\ x", 2)]
    [InlineData(@"quote""d,k\=v=v13,ta\ g=v\=al7", 2)]
    [InlineData(@"ünï\ çödé,_x=x\y21,k\,ey=x\y26,ta\ g=va\ l14", 2)]
    public void Series_are_where_a_real_cluster_put_them(string series, int slot)
    {
        Assert.Equal(slot, SeriesSlot.Of(Encoding.UTF8.GetBytes(series), 3));
        Assert.Equal(slot, SeriesSlot.Of(Encoding.UTF8.GetBytes(series + "#!~#any field, even #!~#"), 3));
        Assert.Equal(0, SeriesSlot.Of(Encoding.UTF8.GetBytes(series), 1));
    }

    /// <summary>Published values of FNV-1a, 64 bits.</summary>
    [Theory]
    [InlineData("", 0xcbf29ce484222325)]
    [InlineData("a", 0xaf63dc4c8601ec8c)]
    [InlineData("foobar", 0x85944171f73967e8)]
    public void The_hash_is_the_published_one(string text, ulong hash)
    {
        foreach (var slots in (int[])[2, 3, 7, 1009, int.MaxValue])
        {
            Assert.Equal((int)(hash % (ulong)slots), SeriesSlot.Of(Encoding.UTF8.GetBytes(text), slots));
        }
    }

    [Fact]
    public void A_number_of_shards_that_is_no_number_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => SeriesSlot.Of("m"u8, 0));
}
