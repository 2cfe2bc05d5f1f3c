package org.attune.serve;

import org.attune.json.Json;
import org.attune.json.JsonException;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/// Writes an answer as Anthropic's `/v1/messages` does.
final class MessagesForm extends PartedForm {
    private final String id = "msg_" + UUID.randomUUID();

    MessagesForm(ChatRequest request) {
        super(request);
    }

    private static Map<String, Object> event(String type) {
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("type", type);
        return event;
    }

    private void sendBlock(String type, String key, Map<String, Object> value) {
        Map<String, Object> event = event(type);
        event.put("index", (long) parts().size() - 1);
        if (!key.isEmpty()) {
            event.put(key, value);
        }
        send(type, event);
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    void begin() {
        Map<String, Object> event = event("message_start");
        event.put("message", message(List.of()));
        send("message_start", event);
    }

    @Override
    void begin(AnswerPart part) {
        sendBlock("content_block_start", "content_block", block(part, "", Map.of()));
    }

    private static Map<String, Object> block(AnswerPart part, String text, Object input) {
        Map<String, Object> block = new LinkedHashMap<>();
        switch (part.kind()) {
            case TEXT -> {
                block.put("type", "text");
                block.put("text", text);
            }
            case REASONING -> {
                block.put("type", "thinking");
                block.put("thinking", text);
                block.put("signature", "");
            }
            case CALL -> {
                block.put("type", "tool_use");
                block.put("id", part.id());
                block.put("name", part.name());
                block.put("input", input);
            }
        }
        return block;
    }

    @Override
    void more(AnswerPart part, String text) {
        Map<String, Object> delta =
                switch (part.kind()) {
                    case TEXT -> Map.of("type", "text_delta", "text", text);
                    case REASONING -> Map.of("type", "thinking_delta", "thinking", text);
                    case CALL -> Map.of("type", "input_json_delta", "partial_json", text);
                };
        sendBlock("content_block_delta", "delta", delta);
    }

    @Override
    void end(AnswerPart part) {
        sendBlock("content_block_stop", "", Map.of());
    }

    @Override
    void finish() {
        Map<String, Object> delta = new LinkedHashMap<>();
        delta.put("stop_reason", stopReason());
        delta.put("stop_sequence", stop().orElse(null));
        Map<String, Object> event = event("message_delta");
        event.put("delta", delta);
        event.put("usage", usage());
        send("message_delta", event);
        send("message_stop", event("message_stop"));
    }

    private String stopReason() {
        return switch (finishReason()) {
            case null -> null;
            case "length" -> "max_tokens";
            case "tool_calls" -> "tool_use";
            default -> stop().isPresent() ? "stop_sequence" : "end_turn";
        };
    }

    private Map<String, Object> usage() {
        Map<String, Object> usage = new LinkedHashMap<>();
        usage.put("input_tokens", promptTokens());
        usage.put("output_tokens", tokens());
        return usage;
    }

    private Map<String, Object> message(List<Map<String, Object>> content) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("id", id);
        message.put("type", "message");
        message.put("role", "assistant");
        message.put("model", request().model().name());
        message.put("content", content);
        message.put("stop_reason", stopReason());
        message.put("stop_sequence", stop().orElse(null));
        message.put("usage", usage());
        return message;
    }

    @Override
    Object whole() {
        return message(
                parts().stream().map(part -> block(part, part.text(), input(part))).toList());
    }

    private static Object input(AnswerPart part) {
        try {
            return part.kind() == AnswerPart.Kind.CALL ? Json.parse(part.text()) : Map.of();
        } catch (JsonException e) {
            return Map.of("raw", part.text()); // cut by max_tokens, or written so
        }
    }
}
