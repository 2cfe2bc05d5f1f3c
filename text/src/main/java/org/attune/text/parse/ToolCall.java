package org.attune.text.parse;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;
import org.attune.json.Json;
import org.attune.text.Message;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A call of a tool, as a model asked for it.
///
/// @param id what the model called it, if its format names calls
/// @param name of the tool
/// @param arguments a JSON value as in [org.attune.text.Message]; an object unless the model wrote
///     something else
/// @param raw the text that was read
@Api(STABLE)
public record ToolCall(Optional<String> id, String name, Object arguments, String raw) {
    /// The arguments by name, in the order written; empty if they are no object.
    @SuppressWarnings("unchecked") // keys of JSON objects are strings
    public Map<String, Object> named() {
        return arguments instanceof Map<?, ?> map ? (Map<String, Object>) map : Map.of();
    }

    /// The arguments as JSON, or as the model wrote them where they are no more than a text.
    public String argumentText() {
        return arguments instanceof String text ? text : Json.write(arguments);
    }

    /// The call as chat templates take it: `{"id": …, "type": "function", "function": {…}}`,
    /// without `id` if it has none.
    public Map<String, Object> asTemplateValue() {
        var function = new LinkedHashMap<String, Object>();
        function.put("name", name);
        function.put("arguments", arguments);
        var call = new LinkedHashMap<String, Object>();
        id.ifPresent(value -> call.put("id", value));
        call.put("type", "function");
        call.put("function", function);
        return call;
    }

    /// An assistant's message that makes calls and says nothing beside them.
    public static Message message(List<ToolCall> calls) {
        var fields = new LinkedHashMap<String, Object>();
        fields.put("role", "assistant");
        fields.put("content", "");
        fields.put("tool_calls", calls.stream().map(ToolCall::asTemplateValue).toList());
        return new Message(fields);
    }
}
