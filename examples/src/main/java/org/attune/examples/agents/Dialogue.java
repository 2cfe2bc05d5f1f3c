package org.attune.examples.agents;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.agents.tool.ToolSpec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A conversation as a row of a data set. Grows at its end.
final class Dialogue {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final List<ObjectNode> messages = new ArrayList<>();
    private final List<ToolSpec> tools;
    private final Map<String, Object> columns = new LinkedHashMap<>();

    /// @param tools that the assistant may call
    /// @param answer what a reward compares with; empty: the row has none
    Dialogue(List<ToolSpec> tools, String answer) {
        this.tools = List.copyOf(tools);
        if (!answer.isEmpty()) {
            columns.put("answer", answer);
        }
    }

    /// What the row has besides, where it is a question alone.
    Dialogue column(String name, Object value) {
        columns.put(name, value);
        return this;
    }

    Dialogue user(String text) {
        messages.add(JSON.createObjectNode().put("role", "user").put("content", text));
        return this;
    }

    Dialogue assistant(String text) {
        messages.add(JSON.createObjectNode().put("role", "assistant").put("content", text));
        return this;
    }

    /// The assistant calls the tool, and the tool answers.
    Dialogue call(Map<String, String> arguments, String result) {
        String name = tools.getFirst().name();
        ObjectNode turn = JSON.createObjectNode().put("role", "assistant").put("content", "");
        ObjectNode call = turn.putArray("tool_calls").addObject().put("type", "function");
        call.putObject("function").put("name", name).set("arguments", JSON.valueToTree(arguments));
        messages.add(turn);
        messages.add(
                JSON.createObjectNode()
                        .put("role", "tool")
                        .put("name", name)
                        .put("content", result));
        return this;
    }

    /// What the user asks first.
    String question() {
        return messages.getFirst().get("content").asText();
    }

    /// As a row for supervised training: `{"messages": […], "tools": […]}`.
    private String taught() {
        ObjectNode row = JSON.createObjectNode();
        messages.forEach(row.putArray("messages")::add);
        return withTools(row).toString();
    }

    private ObjectNode withTools(ObjectNode row) {
        if (!tools.isEmpty()) {
            row.set(
                    "tools",
                    JSON.valueToTree(tools.stream().map(ToolSpec::asTemplateValue).toList()));
        }
        return row;
    }

    /// Two conversations that begin with the same question.
    record Pair(Dialogue chosen, Dialogue rejected) {
        /// Their first answers: `{"prompt": […], "chosen": […], "rejected": […], "tools": […]}`.
        private String row() {
            ObjectNode row = JSON.createObjectNode();
            row.putArray("prompt").add(chosen.messages.getFirst());
            row.putArray("chosen").add(chosen.messages.get(1));
            row.putArray("rejected").add(rejected.messages.get(1));
            return chosen.withTools(row).toString();
        }
    }

    /// The question alone: `{"prompt": […], "answer": "…"}`.
    private String prompt() {
        ObjectNode row = JSON.createObjectNode();
        row.putArray("prompt").add(messages.getFirst());
        columns.forEach((name, value) -> row.set(name, JSON.valueToTree(value)));
        return row.toString();
    }

    static void writeTaught(Path file, List<Dialogue> dialogues) throws IOException {
        Files.write(file, dialogues.stream().map(Dialogue::taught).toList());
    }

    static void writePrompts(Path file, List<Dialogue> dialogues) throws IOException {
        Files.write(file, dialogues.stream().map(Dialogue::prompt).toList());
    }

    static void writePairs(Path file, List<Pair> pairs) throws IOException {
        Files.write(file, pairs.stream().map(Pair::row).toList());
    }
}
