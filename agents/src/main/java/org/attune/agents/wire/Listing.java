package org.attune.agents.wire;

import org.attune.agents.tool.ToolSpec;
import org.attune.error.Excerpt;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What a program or a server offers.
///
/// @param tools in its order
/// @param answers what it answers beside calls and resets: `step`, `reward`, `close`
record Listing(List<ToolSpec> tools, Set<String> answers) {
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
        return new Listing(List.copyOf(tools), Set.copyOf(answers));
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
