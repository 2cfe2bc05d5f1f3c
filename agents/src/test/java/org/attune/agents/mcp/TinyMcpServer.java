package org.attune.agents.mcp;

import org.attune.json.Json;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A server of the Model Context Protocol over standard input and output, with tools that behave
/// badly. It writes what it received into a file.
public final class TinyMcpServer {
    private static final int PAGE = 3;
    private static final List<String> TOOLS =
            List.of("add", "fail", "hang", "die", "slow", "big", "structured", "picture");

    private TinyMcpServer() {}

    /// Serves until the input ends, or for ever with a second argument.
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path seen = Path.of(arguments[0]);
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        System.out.println("Starting up, no JSON");
        String line;
        while ((line = input.readLine()) != null) {
            Files.writeString(
                    seen,
                    line + "\n",
                    java.nio.file.StandardOpenOption.CREATE,
                    java.nio.file.StandardOpenOption.APPEND);
            Map<?, ?> message = (Map<?, ?>) Json.parse(line);
            if (message.get("id") != null && message.get("method") instanceof String method) {
                answer(message.get("id"), method, (Map<?, ?>) message.get("params"));
            }
        }
        if (arguments.length > 1) {
            Thread.sleep(1_000_000);
        }
    }

    private static void answer(Object id, String method, Map<?, ?> params) {
        switch (method) {
            case "initialize" -> {
                say(Map.of("jsonrpc", "2.0", "id", "s1", "method", "ping"));
                say(Map.of("jsonrpc", "2.0", "id", 77, "method", "roots/list"));
                say(Map.of("jsonrpc", "2.0", "method", "notifications/message"));
                result(id, Map.of("protocolVersion", "2025-06-18", "capabilities", Map.of()));
            }
            case "tools/list" -> list(id, params.get("cursor"));
            case "tools/call" -> call(id, (String) params.get("name"), params.get("arguments"));
            case "ping" -> result(id, Map.of());
            default -> error(id, -32601, "unknown method");
        }
    }

    private static void list(Object id, Object cursor) {
        int from = cursor == null ? 0 : Integer.parseInt((String) cursor);
        int to = Math.min(from + PAGE, TOOLS.size());
        var tools = new ArrayList<Map<String, Object>>();
        for (String name : TOOLS.subList(from, to)) {
            tools.add(
                    Map.of(
                            "name",
                            name,
                            "description",
                            "Does " + name,
                            "inputSchema",
                            Map.of(
                                    "type",
                                    "object",
                                    "properties",
                                    Map.of("a", Map.of("type", "integer")))));
        }
        var page = new LinkedHashMap<String, Object>();
        page.put("tools", tools);
        if (to < TOOLS.size()) {
            page.put("nextCursor", String.valueOf(to));
        }
        result(id, page);
    }

    private static void call(Object id, String name, Object arguments) {
        switch (name) {
            case "add" -> text(id, String.valueOf(1 + (Long) ((Map<?, ?>) arguments).get("a")));
            case "fail" ->
                    result(
                            id,
                            Map.of(
                                    "content",
                                    List.of(Map.of("type", "text", "text", "no luck")),
                                    "isError",
                                    true));
            case "hang" -> {}
            case "die" -> System.exit(4);
            case "slow" ->
                    Thread.startVirtualThread(
                            () -> {
                                long a = (Long) ((Map<?, ?>) arguments).get("a");
                                try {
                                    Thread.sleep(20 * (5 - a));
                                } catch (InterruptedException e) {
                                    return;
                                }
                                text(id, "slow " + a);
                            });
            case "big" -> text(id, "x".repeat(10_000_000));
            case "structured" -> result(id, Map.of("structuredContent", Map.of("n", 1)));
            case "picture" ->
                    result(
                            id,
                            Map.of(
                                    "content",
                                    List.of(
                                            Map.of("type", "image", "mimeType", "image/png"),
                                            Map.of("type", "text", "text", "a cat"))));
            default -> error(id, -32602, "unknown tool");
        }
    }

    private static void text(Object id, String text) {
        result(id, Map.of("content", List.of(Map.of("type", "text", "text", text))));
    }

    private static void result(Object id, Map<String, Object> result) {
        say(Map.of("jsonrpc", "2.0", "id", id, "result", result));
    }

    private static void error(Object id, int code, String message) {
        Map<String, Object> error = Map.of("code", code, "message", message);
        say(Map.of("jsonrpc", "2.0", "id", id, "error", error));
    }

    private static synchronized void say(Map<String, Object> message) {
        System.out.println(Json.write(message));
    }
}
