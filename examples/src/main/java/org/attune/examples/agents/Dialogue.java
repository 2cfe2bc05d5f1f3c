package org.attune.examples.agents;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// A conversation that user and assistant take turns in, as a row.
///
/// @param turns text of each turn; the first is the user's
/// @param answer what a reward compares with; empty: the row has none
record Dialogue(List<String> turns, String answer) {
    private static final ObjectMapper JSON = new ObjectMapper();

    Dialogue {
        turns = List.copyOf(turns);
    }

    /// Writes conversations as rows for supervised training: `{"messages": […]}`.
    static void writeMessages(Path file, List<Dialogue> dialogues) throws IOException {
        Files.write(file, dialogues.stream().map(d -> d.row("messages", d.turns.size())).toList());
    }

    /// Writes first turns as prompts: `{"prompt": […], "answer": "…"}`.
    static void writePrompts(Path file, List<Dialogue> dialogues) throws IOException {
        Files.write(file, dialogues.stream().map(d -> d.row("prompt", 1)).toList());
    }

    private String row(String key, int count) {
        ObjectNode row = JSON.createObjectNode();
        ArrayNode messages = row.putArray(key);
        for (int i = 0; i < count; i++) {
            messages.addObject()
                    .put("role", i % 2 == 0 ? "user" : "assistant")
                    .put("content", turns.get(i));
        }
        if (count == 1 && !answer.isEmpty()) {
            row.put("answer", answer);
        }
        return row.toString();
    }
}
