package org.attune.agents.wire;

import org.attune.agents.tool.ToolSpec;
import org.attune.error.Excerpt;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What a program or a server offers.
///
/// @param tools in its order
/// @param answers what it answers beside calls and resets: `step`, `reward`, `close`
/// @param roles system prompt of each role, in its order; empty: one speaker
record Listing(List<ToolSpec> tools, Set<String> answers, Map<String, String> roles) {
    static final Map<String, Object> REQUEST = Map.of("list", true);

    private static final Map<String, Object> NO_PARAMETERS =
            Map.of("type", "object", "properties", Map.of());

    static Listing of(Map<String, Object> answer) throws IOException {
        Answers.requireNoError(answer);
        if (!(answer.get("tools") instanceof List<?> list)) {
            throw Answers.unexpected(answer, "tools, a list");
        }
        var tools = new ArrayList<ToolSpec>();
        for (Object one : list) {
            tools.add(spec(one));
        }
        var answers = new HashSet<String>();
        if (answer.get("answers") instanceof List<?> names) {
            names.forEach(name -> answers.add(String.valueOf(name)));
        }
        return new Listing(List.copyOf(tools), Set.copyOf(answers), roles(answer.get("roles")));
    }

    private static Map<String, String> roles(Object listed) throws IOException {
        if (listed == null) {
            return Map.of();
        }
        if (!(listed instanceof Map<?, ?> map)
                || !map.values().stream().allMatch(prompt -> prompt instanceof String)) {
            throw new IOException(
                    "lists roles that are no {role: system prompt, …}: " + Excerpt.of(listed));
        }
        var roles = new LinkedHashMap<String, String>();
        map.forEach((role, prompt) -> roles.put(String.valueOf(role), (String) prompt));
        return roles;
    }

    private static ToolSpec spec(Object tool) throws IOException {
        Object plain =
                tool instanceof Map<?, ?> map && map.get("function") instanceof Map<?, ?> inner
                        ? inner
                        : tool;
        if (!(plain instanceof Map<?, ?> map)
                || !(map.get("name") instanceof String name)
                || name.isBlank()) {
            throw new IOException(
                    "lists a tool that is no {\"name\", \"description\", \"parameters\"}: "
                            + Excerpt.of(tool));
        }
        Object parameters = map.get("parameters");
        return new ToolSpec(
                name,
                map.get("description") instanceof String description ? description : "",
                parameters instanceof Map<?, ?> schema ? Answers.named(schema) : NO_PARAMETERS);
    }
}
