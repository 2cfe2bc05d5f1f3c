package org.attune.serve;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/// Writes an answer as OpenAI's `/v1/responses` does, of which nothing is stored.
final class ResponsesForm extends PartedForm {
    /// Keys of the request that stand in the answer too.
    private static final Map<String, Object> REPEATED = repeated();

    private final Map<String, Object> body;
    private final String id = "resp_" + UUID.randomUUID();
    private final long created = System.currentTimeMillis() / 1000;
    private long events;

    private static Map<String, Object> repeated() {
        Map<String, Object> keys = new LinkedHashMap<>();
        keys.put("instructions", null);
        keys.put("max_output_tokens", null);
        keys.put("metadata", Map.of());
        keys.put("parallel_tool_calls", true);
        keys.put("temperature", null);
        keys.put("top_p", null);
        keys.put("tool_choice", "auto");
        keys.put("tools", List.of());
        keys.put("truncation", "disabled");
        return keys;
    }

    /// @param body as it was sent
    ResponsesForm(ChatRequest request, Map<String, Object> body) {
        super(request);
        this.body = body;
    }

    private void sendEvent(String type, Map<String, Object> values) {
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("type", type);
        event.put("sequence_number", events++);
        event.putAll(values);
        send(type, event);
    }

    private Map<String, Object> place(AnswerPart part) {
        int index = parts().indexOf(part);
        Map<String, Object> place = new LinkedHashMap<>();
        place.put("item_id", itemId(index));
        place.put("output_index", (long) index);
        if (part.kind() == AnswerPart.Kind.TEXT) {
            place.put("content_index", 0L);
        }
        return place;
    }

    private String itemId(int index) {
        return "item_" + index + id.substring(id.length() - 12);
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    void begin() {
        sendEvent("response.created", Map.of("response", response("in_progress", List.of())));
        sendEvent("response.in_progress", Map.of("response", response("in_progress", List.of())));
    }

    @Override
    void begin(AnswerPart part) {
        Map<String, Object> added = new LinkedHashMap<>();
        added.put("output_index", (long) parts().indexOf(part));
        added.put("item", item(part, false));
        sendEvent("response.output_item.added", added);
        if (part.kind() == AnswerPart.Kind.TEXT) {
            Map<String, Object> content = place(part);
            content.put("part", text(""));
            sendEvent("response.content_part.added", content);
        }
    }

    @Override
    void more(AnswerPart part, String text) {
        Map<String, Object> delta = place(part);
        delta.put("delta", text);
        switch (part.kind()) {
            case TEXT -> {
                delta.put("logprobs", List.of());
                sendEvent("response.output_text.delta", delta);
            }
            case REASONING -> {
                delta.put("content_index", 0L);
                sendEvent("response.reasoning_text.delta", delta);
            }
            case CALL -> sendEvent("response.function_call_arguments.delta", delta);
        }
    }

    @Override
    void end(AnswerPart part) {
        Map<String, Object> done = place(part);
        switch (part.kind()) {
            case TEXT -> {
                Map<String, Object> content = new LinkedHashMap<>(done);
                done.put("text", part.text());
                done.put("logprobs", List.of());
                sendEvent("response.output_text.done", done);
                content.put("part", text(part.text()));
                sendEvent("response.content_part.done", content);
            }
            case REASONING -> {
                done.put("content_index", 0L);
                done.put("text", part.text());
                sendEvent("response.reasoning_text.done", done);
            }
            case CALL -> {
                done.put("name", part.name());
                done.put("arguments", part.text());
                sendEvent("response.function_call_arguments.done", done);
            }
        }
        Map<String, Object> item = new LinkedHashMap<>();
        item.put("output_index", (long) parts().indexOf(part));
        item.put("item", item(part, true));
        sendEvent("response.output_item.done", item);
    }

    private static Map<String, Object> text(String text) {
        Map<String, Object> part = new LinkedHashMap<>();
        part.put("type", "output_text");
        part.put("text", text);
        part.put("annotations", List.of());
        part.put("logprobs", List.of());
        return part;
    }

    private Map<String, Object> item(AnswerPart part, boolean isDone) {
        Map<String, Object> item = new LinkedHashMap<>();
        item.put("id", itemId(parts().indexOf(part)));
        switch (part.kind()) {
            case TEXT -> {
                item.put("type", "message");
                item.put("role", "assistant");
                item.put("content", isDone ? List.of(text(part.text())) : List.of());
            }
            case REASONING -> {
                item.put("type", "reasoning");
                item.put("summary", List.of());
                item.put(
                        "content",
                        isDone
                                ? List.of(Map.of("type", "reasoning_text", "text", part.text()))
                                : List.of());
            }
            case CALL -> {
                item.put("type", "function_call");
                item.put("call_id", part.id());
                item.put("name", part.name());
                item.put("arguments", isDone ? part.text() : "");
            }
        }
        item.put("status", isDone ? "completed" : "in_progress");
        return item;
    }

    private boolean isCut() {
        return "length".equals(finishReason());
    }

    @Override
    void finish() {
        sendEvent(
                isCut() ? "response.incomplete" : "response.completed",
                Map.of("response", whole()));
    }

    @Override
    Map<String, Object> whole() {
        List<Object> items = new ArrayList<>();
        parts().forEach(part -> items.add(item(part, true)));
        return response(isCut() ? "incomplete" : "completed", items);
    }

    private Map<String, Object> response(String status, List<Object> output) {
        boolean isCut = status.equals("incomplete");
        Map<String, Object> response = new LinkedHashMap<>();
        response.put("id", id);
        response.put("object", "response");
        response.put("created_at", created);
        response.put("status", status);
        response.put("error", null);
        response.put("incomplete_details", isCut ? Map.of("reason", "max_output_tokens") : null);
        response.put("model", request().model().name());
        response.put("output", output);
        REPEATED.forEach(
                (key, standard) ->
                        response.put(key, body.get(key) == null ? standard : body.get(key)));
        response.put("previous_response_id", null);
        response.put("store", false);
        response.put("usage", status.equals("in_progress") ? null : usage());
        return response;
    }

    private Map<String, Object> usage() {
        Map<String, Object> usage = new LinkedHashMap<>();
        usage.put("input_tokens", promptTokens());
        usage.put("input_tokens_details", Map.of("cached_tokens", 0L));
        usage.put("output_tokens", tokens());
        usage.put("output_tokens_details", Map.of("reasoning_tokens", 0L));
        usage.put("total_tokens", promptTokens() + tokens());
        return usage;
    }
}
