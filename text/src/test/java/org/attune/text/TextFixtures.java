package org.attune.text;

import org.attune.json.Json;
import org.attune.testing.Fixtures;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Reads recorded cases.
public final class TextFixtures {
    private TextFixtures() {}

    /// Stands at the moment that the recording names.
    static Clock clock() {
        String moment = text(Fixtures.fixture("text/templates").resolve("clock.txt")).strip();
        return Clock.fixed(LocalDateTime.parse(moment).toInstant(ZoneOffset.UTC), ZoneOffset.UTC);
    }

    public static String text(String relative) {
        return text(Fixtures.fixture(relative));
    }

    public static String text(Path path) {
        try {
            return Files.readString(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// The objects of a `.jsonl` file; lines end at `\n` alone.
    public static List<Map<String, Object>> rows(String relative) {
        return rows(Fixtures.fixture(relative));
    }

    /// The objects of a `.jsonl` file, which must be there.
    static List<Map<String, Object>> rows(Path path) {
        var rows = new ArrayList<Map<String, Object>>();
        for (String line : text(path).split("\n")) {
            if (!line.isEmpty()) {
                rows.add(map(Json.parse(line)));
            }
        }
        return rows;
    }

    @SuppressWarnings("unchecked")
    public static Map<String, Object> map(Object value) {
        return (Map<String, Object>) value;
    }

    @SuppressWarnings("unchecked")
    public static List<Object> list(Object value) {
        return value == null ? List.of() : (List<Object>) value;
    }

    static int[] ints(Object value) {
        return list(value).stream().mapToInt(item -> ((Long) item).intValue()).toArray();
    }

    /// The conversation of a recorded case.
    static Conversation conversation(Map<String, Object> row) {
        var messages = new ArrayList<Message>();
        list(row.get("messages")).forEach(message -> messages.add(new Message(map(message))));
        var variables = new java.util.LinkedHashMap<String, Object>();
        if (row.get("variables") != null) {
            variables.putAll(map(row.get("variables")));
        }
        if (row.containsKey("documents")) {
            variables.put("documents", row.get("documents"));
        }
        List<Object> tools = list(row.get("tools"));
        if (row.get("tools") != null && tools.isEmpty()) {
            variables.put("tools", tools); // an empty list differs from no tools
        }
        return new Conversation(messages, tools, variables);
    }

    static ChatTemplate.Tail tail(Map<String, Object> row) {
        if (row.get("continue_final_message") != null) {
            return ChatTemplate.Tail.CONTINUE;
        }
        return Boolean.TRUE.equals(row.get("add_generation_prompt"))
                ? ChatTemplate.Tail.GENERATION_PROMPT
                : ChatTemplate.Tail.NOTHING;
    }
}
