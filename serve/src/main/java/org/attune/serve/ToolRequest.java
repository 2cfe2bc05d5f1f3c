package org.attune.serve;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The tools of a request, and whether they may or must be called.
///
/// @param tools as chat templates take them; none where none may be called
/// @param isParallel whether an answer may call several
/// @param isForced whether an answer must be a call
/// @param forced the tool that it must call; empty: any
record ToolRequest(
        List<Object> tools, boolean isParallel, boolean isForced, Optional<String> forced) {
    private static final int MOST_TOOLS = 100;
    private static final String CHOICES =
            "auto, none, required, or {\"type\": \"function\", \"function\": {\"name\": …}}";

    /// Tools that may be called.
    static ToolRequest free(List<Object> tools, boolean isParallel) {
        return new ToolRequest(tools, isParallel, false, Optional.empty());
    }

    static ToolRequest read(Fields body) throws ApiException {
        Map<String, Object> tools = new LinkedHashMap<>();
        List<?> given = body.list("tools", MOST_TOOLS);
        for (int i = 0; i < given.size(); i++) {
            if (!(given.get(i) instanceof Map<?, ?> tool)
                    || !"function".equals(tool.get("type"))
                    || !(tool.get("function") instanceof Map<?, ?> function)
                    || !(function.get("name") instanceof String name)
                    || !name.matches("[a-zA-Z0-9_.:-]{1,128}")) {
                throw ApiException.bad(
                        "tools[" + i + "]",
                        ("\"tools[%d]\" isn't {\"type\": \"function\", \"function\": {\"name\": …}}"
                                        + " with a name of letters, digits, _ and -")
                                .formatted(i));
            }
            if (tools.put(name, tool) != null) {
                throw body.bad("tools", "has two tools named " + name);
            }
        }
        return chosen(body, tools);
    }

    private static ToolRequest chosen(Fields body, Map<String, Object> tools) throws ApiException {
        Object choice = body.value("tool_choice");
        boolean isParallel = body.flag("parallel_tool_calls", true);
        if (choice != null && tools.isEmpty() && !choice.equals("none")) {
            throw body.bad("tool_choice", "is given, but there are no \"tools\"");
        }
        List<Object> all = new ArrayList<>(tools.values());
        return switch (choice) {
            case null -> free(all, isParallel);
            case String word when word.equals("auto") -> free(all, isParallel);
            case String word when word.equals("none") -> free(List.of(), isParallel);
            case String word when word.equals("required") ->
                    new ToolRequest(all, isParallel, true, Optional.empty());
            case Map<?, ?> named
                    when named.get("function") instanceof Map<?, ?> function
                            && tools.containsKey(function.get("name")) ->
                    new ToolRequest(
                            all, isParallel, true, Optional.of((String) function.get("name")));
            default -> throw body.bad("tool_choice", "isn't " + CHOICES + " with one of the tools");
        };
    }

    /// How an answer reads that must be a call.
    FormatRequest format(Fields body) throws ApiException {
        if (forced.isEmpty()) {
            return FormatRequest.ofCall(body, tools);
        }
        for (Object tool : tools) {
            if (FormatRequest.name(tool).equals(forced.get())) {
                return FormatRequest.ofArguments(body, tool);
            }
        }
        throw new IllegalStateException("a tool that isn't there");
    }
}
