package org.attune.serve;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// An answer that is held to be one call of a tool: an object with its name and arguments, or the
/// arguments alone where the name is known. Arguments are given out as they are written.
final class CallAnswer implements AnswerMessage {
    private static final Pattern HEAD =
            Pattern.compile(
                    "\\s*\\{\\s*\"name\"\\s*:\\s*\"([^\"]*)\"\\s*,\\s*\"arguments\"\\s*:\\s*");

    private final String id = CallIds.next();
    private final boolean isWhole;
    private final StringBuilder head = new StringBuilder(); // before the arguments
    private final StringBuilder held = new StringBuilder(); // what may be the object's end
    private final StringBuilder arguments = new StringBuilder();
    private Optional<String> name;
    private boolean isTold; // the name
    private String finish;

    /// @param name of the tool; empty where the model writes it
    CallAnswer(Optional<String> name) {
        this.name = name;
        isWhole = name.isEmpty();
    }

    @Override
    public List<Map<String, Object>> feed(String text) {
        List<Map<String, Object>> deltas = new ArrayList<>();
        String more = text;
        if (name.isEmpty()) {
            head.append(text);
            Matcher found = HEAD.matcher(head);
            if (!found.lookingAt()) {
                return deltas;
            }
            name = Optional.of(found.group(1));
            more = head.substring(found.end());
        }
        if (!isTold) {
            isTold = true;
            deltas.add(begin());
        }
        String sure = isWhole ? withoutEnd(more) : more;
        if (!sure.isEmpty()) {
            arguments.append(sure);
            deltas.add(piece(Map.of("function", Map.of("arguments", sure))));
        }
        return deltas;
    }

    /// Holds back white space and one closing brace, which is the object's if nothing follows.
    private String withoutEnd(String more) {
        held.append(more);
        int end = held.length();
        while (end > 0 && Character.isWhitespace(held.charAt(end - 1))) {
            end--;
        }
        int sure = end > 0 && held.charAt(end - 1) == '}' ? end - 1 : end;
        String text = held.substring(0, sure);
        held.delete(0, sure);
        return text;
    }

    private Map<String, Object> begin() {
        Map<String, Object> first = new LinkedHashMap<>();
        first.put("id", id);
        first.put("type", "function");
        first.put("function", Map.of("name", name.orElseThrow(), "arguments", ""));
        Map<String, Object> delta = new LinkedHashMap<>();
        delta.put("role", "assistant");
        delta.put("content", null);
        delta.putAll(piece(first));
        return delta;
    }

    private static Map<String, Object> piece(Map<String, Object> call) {
        Map<String, Object> piece = new LinkedHashMap<>();
        piece.put("index", 0L);
        piece.putAll(call);
        return Map.of("tool_calls", List.of(piece));
    }

    @Override
    public List<Map<String, Object>> finish(String text, String end, String reason) {
        List<Map<String, Object>> last = new ArrayList<>(feed(text));
        finish = reason.equals("stop") ? "tool_calls" : reason;
        if (!isTold) {
            Map<String, Object> first = new LinkedHashMap<>();
            first.put("role", "assistant");
            first.put("content", "");
            last.add(first);
        }
        return last;
    }

    @Override
    public String finishReason() {
        return finish;
    }

    @Override
    public Map<String, Object> message() {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("role", "assistant");
        message.put("content", null);
        message.put("refusal", null);
        if (name.isPresent()) {
            Map<String, Object> call = new LinkedHashMap<>();
            call.put("id", id);
            call.put("type", "function");
            call.put("function", Map.of("name", name.get(), "arguments", arguments.toString()));
            message.put("tool_calls", List.of(call));
        }
        return message;
    }
}
