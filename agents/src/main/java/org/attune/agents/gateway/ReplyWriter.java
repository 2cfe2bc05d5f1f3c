package org.attune.agents.gateway;

import org.attune.json.Json;
import org.attune.text.parse.ToolCall;
import org.attune.text.parse.TurnEvent;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Writes a reply as OpenAI's endpoints do. Of one thread.
final class ReplyWriter {
    /// The name of the model, whatever a request calls it.
    static final String MODEL = "policy";

    private final String id;
    private final boolean isChat;
    private boolean isBegun; // a stream
    private int calls; // sent so far

    /// @param id of the reply
    ReplyWriter(String id, boolean isChat) {
        this.id = id;
        this.isChat = isChat;
    }

    /// The reply as one object.
    String whole(ModelReply reply) {
        Map<String, Object> choice = new LinkedHashMap<>();
        choice.put("index", 0L);
        if (isChat) {
            choice.put("message", message(reply, false));
        } else {
            choice.put("text", reply.message().content());
        }
        choice.put("logprobs", null);
        choice.put("finish_reason", reply.finishReason());
        Map<String, Object> whole = head(isChat ? "chat.completion" : "text_completion", choice);
        whole.put("usage", usage(reply));
        return Json.write(whole);
    }

    /// The next piece of a reply as a server-sent event; the empty string if it has nothing to say.
    String event(TurnEvent event) {
        return switch (event) {
            case TurnEvent.Content(String text) when !isChat -> piece(Map.of("text", text));
            case TurnEvent.Content(String text) -> delta("content", text);
            case TurnEvent.Reasoning(String text) -> delta("reasoning_content", text);
            case TurnEvent.Call(ToolCall call) ->
                    delta("tool_calls", List.of(call(call, calls++, true)));
            case TurnEvent.Problem _ -> "";
        };
    }

    private String delta(String key, Object value) {
        Map<String, Object> delta = new LinkedHashMap<>();
        if (!isBegun) {
            delta.put("role", "assistant");
        }
        delta.put(key, value);
        return piece(Map.of("delta", delta));
    }

    private String piece(Map<String, Object> content) {
        isBegun = true;
        return line(chunk(content, null));
    }

    /// The end of a reply as server-sent events; all of it, if it had no pieces.
    String end(ModelReply reply, boolean hasUsage) {
        var text = new StringBuilder();
        if (!isBegun) {
            text.append(
                    piece(
                            isChat
                                    ? Map.of("delta", message(reply, true))
                                    : Map.of("text", reply.message().content())));
        }
        text.append(
                line(
                        chunk(
                                isChat ? Map.of("delta", Map.of()) : Map.of("text", ""),
                                reply.finishReason())));
        if (hasUsage) {
            Map<String, Object> last = head(kind(), null);
            last.put("usage", usage(reply));
            text.append(line(last));
        }
        return text.append("data: [DONE]\n\n").toString();
    }

    private static String line(Map<String, Object> chunk) {
        return "data: " + Json.write(chunk) + "\n\n";
    }

    private String kind() {
        return isChat ? "chat.completion.chunk" : "text_completion";
    }

    private Map<String, Object> chunk(Map<String, Object> content, String finishReason) {
        Map<String, Object> choice = new LinkedHashMap<>();
        choice.put("index", 0L);
        choice.putAll(content);
        choice.put("finish_reason", finishReason);
        return head(kind(), choice);
    }

    /// @param choice null for none
    private Map<String, Object> head(String kind, Map<String, Object> choice) {
        Map<String, Object> head = new LinkedHashMap<>();
        head.put("id", id);
        head.put("object", kind);
        head.put("created", 0L);
        head.put("model", MODEL);
        head.put("choices", choice == null ? List.of() : List.of(choice));
        return head;
    }

    private static Map<String, Object> usage(ModelReply reply) {
        Map<String, Object> usage = new LinkedHashMap<>();
        usage.put("prompt_tokens", (long) reply.promptTokens());
        usage.put("completion_tokens", (long) reply.tokens());
        usage.put("total_tokens", (long) reply.promptTokens() + reply.tokens());
        return usage;
    }

    private static Map<String, Object> message(ModelReply reply, boolean isPiece) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("role", "assistant");
        String content = reply.message().content();
        message.put("content", content.isEmpty() && !reply.calls().isEmpty() ? null : content);
        Object reasoning = reply.message().fields().get("reasoning_content");
        if (reasoning != null) {
            message.put("reasoning_content", reasoning);
        }
        if (!reply.calls().isEmpty()) {
            List<Object> calls = new ArrayList<>();
            for (int i = 0; i < reply.calls().size(); i++) {
                calls.add(call(reply.calls().get(i), i, isPiece));
            }
            message.put("tool_calls", calls);
        }
        return message;
    }

    private static Map<String, Object> call(ToolCall call, int index, boolean isPiece) {
        Map<String, Object> function = new LinkedHashMap<>();
        function.put("name", call.name());
        function.put("arguments", call.argumentText());
        Map<String, Object> whole = new LinkedHashMap<>();
        if (isPiece) {
            whole.put("index", (long) index);
        }
        whole.put("id", call.id().orElseThrow());
        whole.put("type", "function");
        whole.put("function", function);
        return whole;
    }

    static String models() {
        return Json.write(
                Map.of(
                        "object",
                        "list",
                        "data",
                        List.of(Map.of("id", MODEL, "object", "model", "owned_by", "attune"))));
    }

    static String error(RequestException e) {
        Map<String, Object> error = new LinkedHashMap<>();
        error.put("message", e.getMessage());
        error.put("type", e.status() < 500 ? "invalid_request_error" : "server_error");
        error.put("code", e.code());
        return Json.write(Map.of("error", error));
    }
}
