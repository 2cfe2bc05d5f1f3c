package org.attune.learn;

import org.attune.json.Json;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;

/// What users together said of one or two answers to a conversation.
///
/// @param messages before the answer, in OpenAI's form
/// @param tools that the model could call
/// @param good an answer that was liked
/// @param bad an answer that was disliked, or liked less than the good one
/// @param users who said so
/// @param answers ids of the responses that were judged
record LearnedItem(
        List<Object> messages,
        List<Object> tools,
        Optional<Map<String, Object>> good,
        Optional<Map<String, Object>> bad,
        Set<String> users,
        Set<String> answers) {

    LearnedItem {
        users = new TreeSet<>(users);
        answers = new TreeSet<>(answers);
    }

    boolean isPair() {
        return good.isPresent() && bad.isPresent();
    }

    LearnedItem with(Optional<Map<String, Object>> newGood, Optional<Map<String, Object>> newBad) {
        return new LearnedItem(messages, tools, newGood, newBad, users, answers);
    }

    /// What conversations about the same question share: the first thing that the user said. A
    /// conversation that goes on holds the answer to its beginning, so both stay on one side.
    String topic() {
        Object first = messages;
        for (int i = messages.size() - 1; i >= 0; i--) {
            if (messages.get(i) instanceof Map<?, ?> map && "user".equals(map.get("role"))) {
                first = map.get("content");
            }
        }
        String text = first instanceof String said ? said : Json.write(first);
        return text.strip().replaceAll("\\s+", " ").toLowerCase(Locale.ROOT);
    }

    /// Where it stands among others: by its content, so that it is the same every time.
    double place(String purpose) {
        return place(
                purpose,
                Json.write(List.of(messages, good.orElse(Map.of()), bad.orElse(Map.of()))));
    }

    /// A number from 0 to 1 that a text always has.
    static double place(String purpose, String text) {
        UUID hash =
                UUID.nameUUIDFromBytes((purpose + "\n" + text).getBytes(StandardCharsets.UTF_8));
        return (hash.getMostSignificantBits() >>> 16) * 0x1p-48;
    }

    /// A row in a form that trainers read, with what it was made of.
    Map<String, Object> row(String method) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("prompt", messages);
        switch (method) {
            case "dpo" -> {
                row.put("chosen", List.of(good.orElseThrow()));
                row.put("rejected", List.of(bad.orElseThrow()));
            }
            case "kto" -> {
                row.put("completion", List.of(good.or(() -> bad).orElseThrow()));
                row.put("label", good.isPresent());
            }
            default -> row.put("completion", List.of(good.orElseThrow()));
        }
        if (!tools.isEmpty()) {
            row.put("tools", tools);
        }
        row.put("feedback", List.copyOf(answers));
        return row;
    }
}
