using System.Text.Json;
using System.Text.Json.Serialization;
using InfluxBackup.Metadata;

namespace InfluxBackup.Emulator;

/// <summary><c>/user</c> of a meta node: all users or one with their hashes, and <c>{"action":…,"user":{"name":…,"password":…}}</c>.</summary>
internal static class UserApi
{
    private static readonly string[] Actions = ["create", "delete", "change-password", "add-permissions", "remove-permissions"];

    private sealed record User([property: JsonPropertyName("name")] string? Name, [property: JsonPropertyName("password")] string? Password);

    private sealed record Operation([property: JsonPropertyName("action")] string? Action, [property: JsonPropertyName("user")] User? User);

    public static HttpResponse List(EmulatedMetaNode node, HttpRequest request)
    {
        var name = request.Parameter("name");
        var users = node.Read().Users.Where(u => name.Length == 0 || u.Name == name).Select(u => new { name = u.Name, hash = u.Hash }).ToList();
        if (users.Count == 0)
        {
            return name.Length == 0 ? HttpResponse.Of("{}\n", HttpResponse.Json) : HttpResponse.JsonError(404, "user not found");
        }

        return HttpResponse.Of(GoJson.Line(new { users }), HttpResponse.Json);
    }

    /// <param name="redirect">The answer of a node that does not lead; it is given after all checks.</param>
    public static HttpResponse Change(EmulatedMetaNode node, HttpRequest request, Func<HttpResponse?> redirect)
    {
        if (Parse(request.Body) is not { } operation)
        {
            return HttpResponse.JsonError(400, "unexpected EOF");
        }

        var error = Error(operation, node.Read().Users.Any(u => u.Name == operation.User?.Name));
        if (error is not null)
        {
            return HttpResponse.JsonError(400, error);
        }

        if (redirect() is { } elsewhere)
        {
            return elsewhere;
        }

        if (operation is { Action: "create" or "delete" or "change-password", User: { } user })
        {
            node.Cluster.Metadata.Edit(data => Apply(data, operation.Action, user.Name!, user.Password ?? ""));
        }

        return HttpResponse.Of([]);
    }

    private static Operation? Parse(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize<Operation>(body);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Error(Operation operation, bool exists) => operation switch
    {
        { Action: var action } when !Actions.Contains(action) => $"invalid action: {action}",
        { User: null } => "invalid user",
        { User.Name: null or "" } => "username required",
        { Action: "create", User.Password: null or "" } => "password or hash required",
        { Action: "create" } when exists => "user already exists",
        { Action: "delete" or "change-password" } when !exists => "user not found",
        { Action: "change-password", User.Password: null or "" } => "password or hash required",
        _ => null,
    };

    private static void Apply(Data data, string action, string name, string password)
    {
        if (action == "create")
        {
            data.Users.Add(new UserInfo { Name = name, Hash = HttpAuthentication.Hash(password), Admin = true });
            return;
        }

        var user = data.Users.First(u => u.Name == name);
        if (action == "delete")
        {
            data.Users.Remove(user);
            return;
        }

        user.Hash = HttpAuthentication.Hash(password);
    }
}
