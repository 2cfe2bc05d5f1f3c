package org.attune.agents.tool;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What a model is told of a tool.
///
/// @param name by which it is called
/// @param description what it does
/// @param parameters JSON Schema of its arguments, an object; the order of keys is kept, since
///     prompts show it
/// @param result JSON Schema of what it gives; empty if nothing is told
@Api(STABLE)
public record ToolSpec(
        String name,
        String description,
        Map<String, Object> parameters,
        Map<String, Object> result) {
    public ToolSpec {
        parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
        result = Collections.unmodifiableMap(new LinkedHashMap<>(result));
    }

    /// Describes a tool that tells nothing of its result.
    public ToolSpec(String name, String description, Map<String, Object> parameters) {
        this(name, description, parameters, Map.of());
    }

    /// Describes a tool without parameters yet, see [#with].
    public static ToolSpec of(String name, String description) {
        var parameters = new LinkedHashMap<String, Object>();
        parameters.put("type", "object");
        parameters.put("properties", Map.of());
        return new ToolSpec(name, description, parameters);
    }

    /// Adds a parameter, which is required.
    ///
    /// @param type as JSON Schema calls it: `string`, `integer`, `number`, `boolean`, `array`,
    ///     `object`
    /// @param says what it means
    public ToolSpec with(String parameter, String type, String says) {
        var schema = new LinkedHashMap<String, Object>();
        schema.put("type", type);
        schema.put("description", says);
        return with(parameter, schema, true);
    }

    /// Adds a parameter.
    ///
    /// @param schema JSON Schema
    public ToolSpec with(String parameter, Map<String, Object> schema, boolean isRequired) {
        var properties = new LinkedHashMap<Object, Object>();
        if (parameters.get("properties") instanceof Map<?, ?> before) {
            properties.putAll(before);
        }
        properties.put(parameter, schema);
        var more = new LinkedHashMap<>(parameters);
        more.put("properties", properties);
        var required = new ArrayList<Object>();
        if (parameters.get("required") instanceof List<?> before) {
            required.addAll(before);
        }
        if (isRequired) {
            required.add(parameter);
        }
        if (!required.isEmpty()) {
            more.put("required", required);
        }
        return new ToolSpec(name, description, more, result);
    }

    /// The tool as chat templates take it: `{"type": "function", "function": {…}}`.
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
