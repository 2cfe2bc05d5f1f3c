package org.attune.serve;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// An answer that is a text and nothing else, as one that is held to a schema.
final class PlainAnswer implements AnswerMessage {
    private final StringBuilder content = new StringBuilder();
    private boolean isBegun;
    private String finish;

    @Override
    public List<Map<String, Object>> feed(String text) {
        List<Map<String, Object>> deltas = new ArrayList<>();
        if (!isBegun) {
            isBegun = true;
            Map<String, Object> first = new LinkedHashMap<>();
            first.put("role", "assistant");
            first.put("content", "");
            deltas.add(first);
        }
        if (!text.isEmpty()) {
            content.append(text);
            deltas.add(Map.of("content", text));
        }
        return deltas;
    }

    @Override
    public List<Map<String, Object>> finish(String text, String end, String reason) {
        finish = reason;
        return feed(text);
    }

    @Override
    public String finishReason() {
        return finish;
    }

    @Override
    public Map<String, Object> message() {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("role", "assistant");
        message.put("content", content.toString());
        message.put("refusal", null);
        return message;
    }
}
