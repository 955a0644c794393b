using System.Collections;
using System.Management.Automation;
using InfluxBackup.LineProtocol;

namespace InfluxBackup.PowerShell.Parameters;

/// <summary>From <c>@{ host = 'web*', 'db1'; dc = 'eu' }</c> to what the engine takes.</summary>
internal static class TagFilters
{
    /// <summary>A value of <c>$null</c> or nothing at all means: without this tag.</summary>
    public static IReadOnlyList<TagFilter> Of(Hashtable? tags) =>
        tags is null ? [] : [.. tags.Cast<DictionaryEntry>().Select(tag => new TagFilter(Text(tag.Key), Values(tag.Value)))];

    private static List<string> Values(object? value)
    {
        var given = value is PSObject wrapped ? wrapped.BaseObject : value;
        var values = given is IEnumerable several and not string ? several.Cast<object?>().Select(Text).ToList() : [Text(given)];
        return values.Count == 0 ? [""] : values;
    }

    private static string Text(object? value) => LanguagePrimitives.ConvertTo<string>(value) ?? "";
}
