package org.attune.agents.mcp;

import org.attune.agents.tool.ToolResult;
import org.attune.agents.tool.ToolSpec;
import org.attune.error.Excerpt;
import org.attune.json.Json;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;

/// A conversation with a server, begun. Thread-safe.
///
/// @param channel owned
record McpSession(McpChannel channel) implements AutoCloseable {
    /// The newest version of the protocol that is known here; a server may answer with
    /// an older one.
    static final String VERSION = "2025-11-25";

    private static final int MOST_PAGES = 1000;
    private static final Map<String, Object> NO_PARAMETERS =
            Map.of("type", "object", "properties", Map.of());

    /// Begins a conversation.
    ///
    /// @param channel owned by the session; closed if it can't be begun
    static McpSession begin(McpChannel channel)
            throws IOException, TimeoutException, InterruptedException {
        var session = new McpSession(channel);
        try {
            var hello = new LinkedHashMap<String, Object>();
            hello.put("protocolVersion", VERSION);
            hello.put("capabilities", Map.of());
            hello.put("clientInfo", Map.of("name", "attune", "version", "1"));
            Map<String, Object> result = session.ask("initialize", hello);
            if (!(result.get("protocolVersion") instanceof String version)) {
                throw new IOException("the server names no version of the protocol: " + result);
            }
            channel.agreed(version);
            channel.tell("notifications/initialized", Map.of());
            return session;
        } catch (IOException | TimeoutException | InterruptedException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /// The server's tools, all pages of them.
    List<ToolSpec> tools() throws IOException, TimeoutException, InterruptedException {
        var tools = new ArrayList<ToolSpec>();
        Map<String, Object> page = Map.of();
        for (int i = 0; i < MOST_PAGES; i++) {
            Map<String, Object> result = ask("tools/list", page);
            if (!(result.get("tools") instanceof List<?> list)) {
                throw new IOException("the server lists no tools: " + Excerpt.of(result));
            }
            for (Object tool : list) {
                tools.add(spec(tool));
            }
            if (!(result.get("nextCursor") instanceof String cursor)) {
                return tools;
            }
            page = Map.of("cursor", cursor);
        }
        throw new IOException("the server's list of tools has more than 1000 pages");
    }

    private static ToolSpec spec(Object tool) throws IOException {
        if (!(tool instanceof Map<?, ?> map) || !(map.get("name") instanceof String name)) {
            throw new IOException("the server lists a tool without a name: " + Excerpt.of(tool));
        }
        return new ToolSpec(
                name,
                map.get("description") instanceof String text ? text : "",
                map.get("inputSchema") instanceof Map<?, ?> schema ? named(schema) : NO_PARAMETERS);
    }

    @SuppressWarnings("unchecked") // keys of JSON objects are strings
    private static Map<String, Object> named(Map<?, ?> map) {
        return (Map<String, Object>) map;
    }

    /// Calls a tool, once.
    ToolResult call(String name, Map<String, Object> arguments)
            throws IOException, TimeoutException, InterruptedException {
        var parameters = new LinkedHashMap<String, Object>();
        parameters.put("name", name);
        parameters.put("arguments", arguments);
        Map<String, Object> message = channel.request("tools/call", parameters);
        if (message.get("error") instanceof Map<?, ?> error
                && error.get("code") instanceof Long code
                && code == Rpc.BAD_PARAMETERS) {
            return new ToolResult.Refused(String.valueOf(error.get("message")));
        }
        Map<String, Object> result = result("tools/call", message);
        String text = text(result);
        return Boolean.TRUE.equals(result.get("isError"))
                ? new ToolResult.Refused(text)
                : new ToolResult.Ok(text);
    }

    private Map<String, Object> ask(String method, Map<String, Object> parameters)
            throws IOException, TimeoutException, InterruptedException {
        return result(method, channel.request(method, parameters));
    }

    private static Map<String, Object> result(String method, Map<String, Object> message)
            throws IOException {
        if (message.get("result") instanceof Map<?, ?> result) {
            return named(result);
        }
        Object error = message.get("error");
        Object why = error instanceof Map<?, ?> map ? map.get("message") : error;
        throw new IOException("the server refused %s: %s".formatted(method, Excerpt.of(why)));
    }

    /// The texts of a result, a line for each; what is no text is named. Without content, the
    /// structured result as JSON.
    private static String text(Map<String, Object> result) {
        List<?> content = result.get("content") instanceof List<?> list ? list : List.of();
        if (content.isEmpty() && result.containsKey("structuredContent")) {
            return Json.write(result.get("structuredContent"));
        }
        var lines = new ArrayList<String>();
        for (Object item : content) {
            lines.add(item instanceof Map<?, ?> map ? line(map) : String.valueOf(item));
        }
        return String.join("\n", lines);
    }

    private static String line(Map<?, ?> item) {
        if (item.get("text") instanceof String text) {
            return text;
        }
        if (item.get("resource") instanceof Map<?, ?> resource) {
            return resource.get("text") instanceof String text
                    ? text
                    : "[resource %s]".formatted(resource.get("uri"));
        }
        Object what = item.get("uri") == null ? item.get("mimeType") : item.get("uri");
        return "[%s %s]".formatted(item.get("type"), what);
    }

    /// Whether the server still answers anything.
    boolean isAlive() throws InterruptedException {
        try {
            Map<String, Object> answer = channel.request("ping", Map.of());
            return answer.containsKey("result") || answer.containsKey("error");
        } catch (IOException | TimeoutException e) {
            return false;
        }
    }

    @Override
    public void close() {
        channel.close();
    }
}
