package org.attune.learn;

import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.json.Json;
import org.attune.json.JsonException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Rows on which a candidate must not be worse: JSON lines with `prompt` and either
/// `chosen` and `rejected`, or `completion` and maybe `label`; texts or lists of messages.
final class GuardRows {
    private GuardRows() {}

    /// Reads a file.
    ///
    /// @throws DatasetException if a line is no such row
    static List<LearnedItem> read(Path file) {
        List<LearnedItem> items = new ArrayList<>();
        try {
            int number = 0;
            for (String line : Files.readAllLines(file)) {
                number++;
                if (!line.isBlank()) {
                    items.add(item(line, file + ":" + number));
                }
            }
        } catch (IOException e) {
            throw new ConfigException("--guard: %s can't be read: %s".formatted(file, e), e);
        }
        return items;
    }

    private static LearnedItem item(String line, String where) {
        Map<?, ?> row;
        try {
            row = Json.parse(line) instanceof Map<?, ?> map ? map : Map.of();
        } catch (JsonException e) {
            throw new DatasetException("%s is no JSON: %s".formatted(where, e.getMessage()), e);
        }
        List<Object> prompt =
                row.get("prompt") instanceof List<?> messages
                        ? new ArrayList<>(messages)
                        : List.of(Map.of("role", "user", "content", text(row, "prompt", where)));
        List<Object> tools =
                row.get("tools") instanceof List<?> list ? new ArrayList<>(list) : List.of();
        if (row.containsKey("chosen")) {
            return new LearnedItem(
                    prompt,
                    tools,
                    Optional.of(answer(row, "chosen", where)),
                    Optional.of(answer(row, "rejected", where)),
                    Set.of(),
                    Set.of());
        }
        Optional<Map<String, Object>> given = Optional.of(answer(row, "completion", where));
        boolean isGood = !Boolean.FALSE.equals(row.get("label"));
        return new LearnedItem(
                prompt,
                tools,
                isGood ? given : Optional.empty(),
                isGood ? Optional.empty() : given,
                Set.of(),
                Set.of());
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> answer(Map<?, ?> row, String key, String where) {
        if (row.get(key) instanceof List<?> messages
                && messages.size() == 1
                && messages.getFirst() instanceof Map<?, ?> message) {
            return (Map<String, Object>) message;
        }
        return Map.of("role", "assistant", "content", text(row, key, where));
    }

    private static String text(Map<?, ?> row, String key, String where) {
        if (row.get(key) instanceof String text) {
            return text;
        }
        throw new DatasetException(
                "%s: \"%s\" is neither a text nor a list of messages".formatted(where, key));
    }
}
