using FsCheck;
using FsCheck.Fluent;

namespace InfluxBackup.Tests.Wal;

/// <summary>Whatever is written and deleted in whatever order, a snapshot has what a dictionary would have.</summary>
public class WalModelTests
{
    private static readonly string[] Keys = ["a#!~#f", "a,t=1#!~#f", "b#!~#f", "b#!~#g"];

    /// <summary>One entry of a log.</summary>
    private sealed record Step(bool NewSegment, int Kind, int Key, int OtherKey, long Min, long Max, int Number, bool IsText);

    [Fact]
    public void A_snapshot_is_what_a_dictionary_is()
    {
        var step =
            from newSegment in Gen.Frequency((9, Gen.Constant(false)), (1, Gen.Constant(true)))
            from kind in Gen.Frequency((6, Gen.Constant(0)), (2, Gen.Constant(1)), (1, Gen.Constant(2)))
            from key in Gen.Choose(0, Keys.Length - 1)
            from other in Gen.Choose(0, Keys.Length - 1)
            from min in Gen.Choose(-2, 12)
            from length in Gen.Choose(-1, 6)
            from number in Gen.Choose(0, 1000)
            from text in Gen.Frequency((5, Gen.Constant(false)), (1, Gen.Constant(true)))
            select new Step(newSegment, kind, key, other, min, min + length, number, text);
        var log =
            from steps in Gen.ListOf(step)
            from budget in Gen.Elements(1, 100, 300, 1000, 24 << 20)
            select (Steps: steps.ToList(), Budget: budget);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(400).WithEndSize(60), Prop.ForAll(log.ToArbitrary(), l => Holds(l.Steps, l.Budget)));
    }

    private static bool Holds(List<Step> steps, int budget)
    {
        var model = new Dictionary<(string, long), object>();
        var segments = new List<WalBuilder> { new() };
        foreach (var step in steps)
        {
            if (step.NewSegment)
            {
                segments.Add(new WalBuilder());
            }
            Apply(step, segments[^1], model);
        }
        using var files = new SnapshotFiles(budget, segments.Select(s => s.Bytes).ToArray());
        return files.Result.Warnings.Count == 0 && Same(model, files.Points);
    }

    private static void Apply(Step step, WalBuilder log, Dictionary<(string, long), object> model)
    {
        string[] keys = step.Key == step.OtherKey ? [Keys[step.Key]] : [Keys[step.Key], Keys[step.OtherKey]];
        switch (step.Kind)
        {
            case 0:
                // A field has one type as long as it has points.
                var values = keys.Select(k => (Key: k, Points: Points(step, IsText(model, k) ?? step.IsText))).ToArray();
                log.Write(values);
                foreach (var (key, points) in values)
                {
                    points.ToList().ForEach(p => model[(key, p.Time)] = p.Value);
                }
                break;
            case 1:
                log.DeleteRange(step.Min, step.Max, keys);
                Remove(model, keys, step.Min, step.Max);
                break;
            default:
                log.Delete(keys);
                Remove(model, keys, long.MinValue, long.MaxValue);
                break;
        }
    }

    private static (long Time, object Value)[] Points(Step step, bool isText) => Enumerable.Range(0, 1 + step.Number % 5)
        .Select(i => ((step.Min + i * step.Number) % 13, isText ? $"{step.Number + i}" : (object)(double)(step.Number + i))).ToArray();

    private static bool? IsText(Dictionary<(string Key, long Time), object> model, string key)
    {
        var values = model.Where(p => p.Key.Key == key).Select(p => p.Value).ToList();
        return values.Count == 0 ? null : values[0] is string;
    }

    private static void Remove(Dictionary<(string Key, long Time), object> model, string[] keys, long min, long max)
    {
        foreach (var point in model.Keys.Where(p => keys.Contains(p.Key) && min <= p.Time && p.Time <= max).ToList())
        {
            model.Remove(point);
        }
    }

    private static bool Same(Dictionary<(string, long), object> expected, Dictionary<(string, long), object> actual) =>
        expected.Count == actual.Count && expected.All(p => actual.TryGetValue(p.Key, out var value) && value.Equals(p.Value));
}
