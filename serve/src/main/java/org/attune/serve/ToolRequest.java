package org.attune.serve;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The tools of a request, and whether they may be called.
///
/// @param tools as chat templates take them; none where none may be called
/// @param isParallel whether an answer may call several
record ToolRequest(List<Object> tools, boolean isParallel) {
    private static final int MOST_TOOLS = 100;
    private static final Set<String> TYPES = Set.of("function");

    static ToolRequest read(Fields body) throws ApiException {
        List<Object> tools = new ArrayList<>();
        Set<String> names = new LinkedHashSet<>();
        List<?> given = body.list("tools", MOST_TOOLS);
        for (int i = 0; i < given.size(); i++) {
            if (!(given.get(i) instanceof Map<?, ?> tool)
                    || !(tool.get("type") instanceof String type && TYPES.contains(type))
                    || !(tool.get("function") instanceof Map<?, ?> function)
                    || !(function.get("name") instanceof String name)
                    || !name.matches("[a-zA-Z0-9_.:-]{1,128}")) {
                throw ApiException.bad(
                        "tools[" + i + "]",
                        ("\"tools[%d]\" isn't {\"type\": \"function\", \"function\": {\"name\": …}}"
                                        + " with a name of letters, digits, _ and -")
                                .formatted(i));
            }
            names.add(name);
            tools.add(tool);
        }
        boolean mayCall = mayCall(body, names);
        return new ToolRequest(mayCall ? tools : List.of(), body.flag("parallel_tool_calls", true));
    }

    private static boolean mayCall(Fields body, Set<String> names) throws ApiException {
        Object choice = body.value("tool_choice");
        if (choice != null && names.isEmpty() && !choice.equals("none")) {
            throw body.bad("tool_choice", "is given, but there are no \"tools\"");
        }
        return switch (choice) {
            case null -> true;
            case String word when word.equals("auto") -> true;
            case String word when word.equals("none") -> false;
            default ->
                    throw body.bad("tool_choice", "is %s; accepted: auto, none".formatted(choice));
        };
    }
}
