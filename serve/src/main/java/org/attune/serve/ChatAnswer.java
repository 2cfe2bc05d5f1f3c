package org.attune.serve;

import org.attune.text.parse.ToolCall;
import org.attune.text.parse.TurnEvent;
import org.attune.text.parse.TurnStream;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// One answer of a chat as it becomes known: content, reasoning and calls, both as pieces and as a
/// whole.
final class ChatAnswer implements AnswerMessage {
    private final TurnStream turn;
    private final ToolRequest tools;
    private final StringBuilder content = new StringBuilder();
    private final StringBuilder reasoning = new StringBuilder();
    private final List<Map<String, Object>> calls = new ArrayList<>();
    private boolean isBegun;
    private String finish;

    /// @param turn reads what the model writes
    ChatAnswer(TurnStream turn, ToolRequest tools) {
        this.turn = turn;
        this.tools = tools;
    }

    @Override
    public List<Map<String, Object>> feed(String text) {
        return text.isEmpty() ? deltas(List.of()) : deltas(turn.feed(text));
    }

    @Override
    public List<Map<String, Object>> finish(String text, String end, String reason) {
        List<Map<String, Object>> last = new ArrayList<>(feed(text + end));
        last.addAll(deltas(turn.finish()));
        finish = reason.equals("stop") && !calls.isEmpty() ? "tool_calls" : reason;
        return last;
    }

    @Override
    public String finishReason() {
        return finish;
    }

    private List<Map<String, Object>> deltas(List<TurnEvent> events) {
        List<Map<String, Object>> deltas = new ArrayList<>();
        if (!isBegun) {
            isBegun = true;
            Map<String, Object> first = new LinkedHashMap<>();
            first.put("role", "assistant");
            first.put("content", "");
            deltas.add(first);
        }
        for (TurnEvent event : events) {
            switch (event) {
                case TurnEvent.Content(String text) -> say(text, deltas);
                case TurnEvent.Reasoning(String text) -> {
                    reasoning.append(text);
                    deltas.add(Map.of("reasoning_content", text));
                }
                case TurnEvent.Call(ToolCall call) -> call(call, deltas);
                case TurnEvent.Problem _ -> {} // its text is content
            }
        }
        return deltas;
    }

    private void say(String text, List<Map<String, Object>> deltas) {
        boolean follows = content.isEmpty() && !reasoning.isEmpty();
        String sure = follows ? text.stripLeading() : text;
        if (!sure.isEmpty()) {
            content.append(sure);
            deltas.add(Map.of("content", sure));
        }
    }

    private void call(ToolCall call, List<Map<String, Object>> deltas) {
        if (tools.tools().isEmpty()) {
            say(call.raw(), deltas);
        } else if (tools.isParallel() || calls.isEmpty()) {
            Map<String, Object> function = new LinkedHashMap<>();
            function.put("name", call.name());
            function.put("arguments", call.argumentText());
            Map<String, Object> whole = new LinkedHashMap<>();
            whole.put("id", call.id().orElseGet(CallIds::next));
            whole.put("type", "function");
            whole.put("function", function);
            Map<String, Object> piece = new LinkedHashMap<>();
            piece.put("index", (long) calls.size());
            piece.putAll(whole);
            calls.add(whole);
            deltas.add(Map.of("tool_calls", List.of(piece)));
        }
    }

    @Override
    public Map<String, Object> message() {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("role", "assistant");
        message.put("content", content.isEmpty() && !calls.isEmpty() ? null : content.toString());
        message.put("refusal", null);
        if (!reasoning.isEmpty()) {
            message.put("reasoning_content", reasoning.toString());
        }
        if (!calls.isEmpty()) {
            message.put("tool_calls", calls);
        }
        return message;
    }
}
