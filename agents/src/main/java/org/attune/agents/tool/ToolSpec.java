package org.attune.agents.tool;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// What a model is told of a tool.
///
/// @param name by which it is called
/// @param description what it does
/// @param parameters JSON Schema of its arguments, an object; the order of keys is kept, since
///     prompts show it
/// @param result JSON Schema of what it gives; empty if nothing is told
public record ToolSpec(
        String name,
        String description,
        Map<String, Object> parameters,
        Map<String, Object> result) {
    public ToolSpec {
        parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
        result = Collections.unmodifiableMap(new LinkedHashMap<>(result));
    }

    /// Of a tool that tells nothing of its result.
    public ToolSpec(String name, String description, Map<String, Object> parameters) {
        this(name, description, parameters, Map.of());
    }

    /// As chat templates take it: `{"type": "function", "function": {…}}`.
    public Map<String, Object> asTemplateValue() {
        var function = new LinkedHashMap<String, Object>();
        function.put("name", name);
        function.put("description", description);
        function.put("parameters", parameters);
        if (!result.isEmpty()) {
            function.put("return", result);
        }
        var whole = new LinkedHashMap<String, Object>();
        whole.put("type", "function");
        whole.put("function", function);
        return whole;
    }
}
