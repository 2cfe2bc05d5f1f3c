package org.attune.text.parse.template;

import org.attune.text.BoundedMatch;
import org.attune.text.Message;
import org.attune.text.parse.ParsedTurn;
import org.attune.text.parse.ToolCall;
import org.attune.text.parse.TurnParser;
import org.attune.text.parse.turn.ArgumentTypes;
import org.attune.text.parse.turn.PythonRules;
import org.attune.text.parse.turn.UnreadableException;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Reads turns as TRL 1.16 with transformers 5.24 does, faults included: the last stretch of
/// content is the content, and one call that can't be read makes the whole turn text.
///
/// @param template the model's description
/// @param endToken the tokenizer's end token, which may stand at the content's end
/// @param specialTokens that are left out of a turn that can't be read
public record TrlTurnParser(
        ResponseTemplate template, Optional<String> endToken, List<String> specialTokens)
        implements TurnParser {
    public TrlTurnParser {
        specialTokens =
                specialTokens.stream()
                        .sorted(Comparator.comparingInt(String::length).reversed())
                        .toList();
    }

    @Override
    public ParsedTurn parse(String prefix, String text, List<Object> tools) {
        try {
            Map<String, Object> fields =
                    new TrlReading(template, new ArgumentTypes(tools)).read(prefix, text);
            return turn(completed(fields));
        } catch (UnreadableException | BoundedMatch.TooManyStepsException e) {
            var message = Message.of("assistant", PythonRules.without(text, specialTokens));
            return new ParsedTurn(message, List.of(), List.of(), true);
        }
    }

    private Map<String, Object> completed(Map<String, Object> fields) {
        if (fields.get("content") instanceof String content) {
            String end = endToken.orElse("");
            fields.put(
                    "content",
                    content.endsWith(end)
                            ? content.substring(0, content.length() - end.length())
                            : content);
        }
        if (!PythonRules.isTrue(fields.get("content"))) {
            fields.put("content", "");
        }
        return fields;
    }

    private static ParsedTurn turn(Map<String, Object> fields) {
        var calls = new ArrayList<ToolCall>();
        if (fields.containsKey("tool_calls")) {
            if (!(fields.get("tool_calls") instanceof List<?> list)) {
                throw new UnreadableException("tool_calls must be a list");
            }
            list.forEach(call -> calls.add(call(call)));
        }
        return new ParsedTurn(new Message(fields), calls, List.of(), false);
    }

    private static Object function(Map<?, ?> call) {
        return call.containsKey("function") ? call.get("function") : call;
    }

    /// The call of an entry, with or without a `function` around it.
    @SuppressWarnings("unchecked") // keys of JSON objects are strings
    private static ToolCall call(Object value) {
        if (!(value instanceof Map<?, ?> call) || !(function(call) instanceof Map<?, ?> f)) {
            throw new UnreadableException("a call must be an object with a function");
        }
        var function = (Map<String, Object>) f;
        if (!(function.get("name") instanceof String name)) {
            throw new UnreadableException("the name of a function must be a text");
        }
        if (function.get("arguments") == null) {
            function.put("arguments", Map.of());
        }
        Optional<String> id =
                Optional.ofNullable(call.get("id"))
                        .filter(String.class::isInstance)
                        .map(String.class::cast);
        return new ToolCall(id, name, function.get("arguments"), "");
    }
}
