package org.attune.agents.mcp;

import org.attune.json.Json;
import org.attune.json.JsonException;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// Messages of JSON-RPC 2.0.
final class Rpc {
    static final int NO_SUCH_METHOD = -32601;
    static final int BAD_PARAMETERS = -32602;

    private Rpc() {}

    static String request(long id, String method, Map<String, Object> parameters) {
        Map<String, Object> message = begun();
        message.put("id", id);
        message.put("method", method);
        message.put("params", parameters);
        return Json.write(message);
    }

    static String notice(String method, Map<String, Object> parameters) {
        Map<String, Object> message = begun();
        message.put("method", method);
        if (!parameters.isEmpty()) {
            message.put("params", parameters);
        }
        return Json.write(message);
    }

    /// The answer to a request of the server: only `ping` is known.
    static String answer(Map<String, Object> request) {
        Map<String, Object> message = begun();
        message.put("id", request.get("id"));
        if ("ping".equals(request.get("method"))) {
            message.put("result", Map.of());
        } else {
            message.put(
                    "error", Map.of("code", NO_SUCH_METHOD, "message", "only ping is answered"));
        }
        return Json.write(message);
    }

    private static Map<String, Object> begun() {
        var message = new LinkedHashMap<String, Object>();
        message.put("jsonrpc", "2.0");
        return message;
    }

    /// The message that a text is; empty if it is none.
    @SuppressWarnings("unchecked") // keys of JSON objects are strings
    static Optional<Map<String, Object>> parse(String text) {
        try {
            return Json.parse(text) instanceof Map<?, ?> map && map.containsKey("jsonrpc")
                    ? Optional.of((Map<String, Object>) map)
                    : Optional.empty();
        } catch (JsonException e) {
            return Optional.empty();
        }
    }

    /// Which request a message answers; empty if it is no answer.
    static OptionalLong answered(Map<String, Object> message) {
        boolean isAnswer = message.containsKey("result") || message.containsKey("error");
        return isAnswer && message.get("id") instanceof Long id
                ? OptionalLong.of(id)
                : OptionalLong.empty();
    }

    /// Whether the server asks something.
    static boolean isRequest(Map<String, Object> message) {
        return message.containsKey("method") && message.get("id") != null;
    }
}
