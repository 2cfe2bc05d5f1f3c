package org.attune.text.parse;

import java.util.Map;
import java.util.Optional;

/// A call of a tool, as a model asked for it.
///
/// @param id what the model called it, if its format names calls
/// @param name of the tool
/// @param arguments a JSON value as in [org.attune.text.Message]; an object unless the model wrote
///     something else
/// @param raw the text that was read
public record ToolCall(Optional<String> id, String name, Object arguments, String raw) {
    /// The arguments by name, in the order written; empty if they are no object.
    @SuppressWarnings("unchecked") // keys of JSON objects are strings
    public Map<String, Object> named() {
        return arguments instanceof Map<?, ?> map ? (Map<String, Object>) map : Map.of();
    }
}
