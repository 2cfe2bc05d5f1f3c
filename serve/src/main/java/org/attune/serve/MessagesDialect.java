package org.attune.serve;

import org.attune.json.Json;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Anthropic's `/v1/messages`.
final class MessagesDialect implements Dialect {
    private static final Set<String> KEYS =
            Set.of(
                    "model",
                    "max_tokens",
                    "messages",
                    "system",
                    "stop_sequences",
                    "stream",
                    "temperature",
                    "top_p",
                    "top_k",
                    "tools",
                    "tool_choice",
                    "metadata",
                    "service_tier",
                    "thinking");

    private static final Map<String, String> REFUSED =
            Map.of(
                    "container", "no code runs here",
                    "mcp_servers", "no server is asked from here",
                    "context_management", "messages are read as they are");

    /// Keys with the same meaning in both forms.
    private static final List<String> SAME =
            List.of("model", "max_tokens", "stream", "temperature", "top_p", "top_k");

    @Override
    public AnswerForm form(ChatRequest request, Map<String, Object> body) {
        return new MessagesForm(request);
    }

    @Override
    public Fields chat(Fields body) throws ApiException {
        body.require(KEYS, REFUSED);
        if (!body.has("max_tokens")) {
            throw body.bad("max_tokens", "is missing");
        }
        Map<String, Object> chat = new LinkedHashMap<>();
        for (String key : SAME) {
            chat.put(key, body.value(key));
        }
        chat.put("stop", body.value("stop_sequences"));
        chat.put("user", Traffic.user(body).orElse(null));
        List<Object> messages = new ArrayList<>();
        if (body.has("system")) {
            messages.add(message("system", body.value("system")));
        }
        for (Object message : body.list("messages", Integer.MAX_VALUE)) {
            add(messages, body, message);
        }
        chat.put("messages", messages);
        tools(chat, body);
        thinking(chat, body);
        return Fields.of(chat);
    }

    private static Map<String, Object> message(String role, Object content) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }

    private static void add(List<Object> messages, Fields body, Object given) throws ApiException {
        if (!(given instanceof Map<?, ?> message)
                || !(message.get("role") instanceof String role)
                || !Set.of("user", "assistant").contains(role)) {
            throw body.bad("messages", "holds a message that is neither user's nor assistant's");
        }
        if (!(message.get("content") instanceof List<?> blocks)) {
            messages.add(message(role, message.get("content")));
            return;
        }
        List<Map<?, ?>> shown = new ArrayList<>();
        var thought = new StringBuilder();
        List<Object> calls = new ArrayList<>();
        for (Object block : blocks) {
            if (!(block instanceof Map<?, ?> part)) {
                throw body.bad("messages", "holds content that is neither text nor blocks");
            }
            switch (part.get("type") instanceof String type ? type : "") {
                case "text", "image" -> shown.add(part);
                case "thinking" -> thought.append(part.get("thinking"));
                case "tool_use" -> calls.add(call(part));
                case "tool_result" -> {
                    Map<String, Object> result = message("tool", part.get("content"));
                    result.put("tool_call_id", part.get("tool_use_id"));
                    messages.add(result);
                }
                default ->
                        throw body.bad(
                                "messages",
                                "holds a block of the type %s; accepted: text, image, thinking, tool_use, tool_result"
                                        .formatted(part.get("type")));
            }
        }
        Map<String, Object> said = message(role, content(shown));
        if (!thought.isEmpty()) {
            said.put("reasoning_content", thought.toString());
        }
        if (!calls.isEmpty()) {
            said.put("tool_calls", calls);
        }
        if (!shown.isEmpty() || said.size() > 2) {
            messages.add(said);
        }
    }

    /// Parts as they are where there are pictures, else their text.
    private static Object content(List<Map<?, ?>> parts) {
        if (parts.stream().anyMatch(part -> "image".equals(part.get("type")))) {
            return parts;
        }
        return parts.stream()
                .map(part -> String.valueOf(part.get("text")))
                .collect(Collectors.joining());
    }

    private static Map<String, Object> call(Map<?, ?> part) {
        Map<String, Object> function = new LinkedHashMap<>();
        function.put("name", part.get("name"));
        function.put("arguments", Json.write(part.get("input")));
        Map<String, Object> call = new LinkedHashMap<>();
        call.put("id", part.get("id"));
        call.put("type", "function");
        call.put("function", function);
        return call;
    }

    private static void tools(Map<String, Object> chat, Fields body) throws ApiException {
        List<Object> tools = new ArrayList<>();
        for (Object given : body.list("tools", Integer.MAX_VALUE)) {
            if (!(given instanceof Map<?, ?> tool)
                    || tool.get("type") instanceof String type && !type.equals("custom")) {
                throw body.bad("tools", "holds a tool of a kind that isn't known: " + given);
            }
            Map<String, Object> function = new LinkedHashMap<>();
            function.put("name", tool.get("name"));
            if (tool.get("description") != null) {
                function.put("description", tool.get("description"));
            }
            function.put("parameters", tool.get("input_schema"));
            tools.add(Map.of("type", "function", "function", function));
        }
        if (!tools.isEmpty()) {
            chat.put("tools", tools);
        }
        Optional<Fields> choice = body.object("tool_choice");
        if (choice.isPresent()) {
            String type = choice.get().text("type").orElse("");
            chat.put(
                    "tool_choice",
                    switch (type) {
                        case "auto", "none" -> type;
                        case "any" -> "required";
                        case "tool" ->
                                Map.of(
                                        "type",
                                        "function",
                                        "function",
                                        Map.of("name", choice.get().text("name").orElse("")));
                        default ->
                                throw choice.get()
                                        .bad("type", "isn't auto, any, tool or none: " + type);
                    });
            chat.put("parallel_tool_calls", !choice.get().flag("disable_parallel_tool_use", false));
        }
    }

    private static void thinking(Map<String, Object> chat, Fields body) throws ApiException {
        Optional<Fields> thinking = body.object("thinking");
        if (thinking.isPresent()) {
            String type = thinking.get().text("type").orElse("");
            if (!type.equals("disabled")) {
                throw thinking.get()
                        .bad(
                                "type",
                                "is \"%s\"; accepted: disabled. How long a model thinks can't be bounded here"
                                        .formatted(type));
            }
            chat.put("chat_template_kwargs", Map.of("enable_thinking", false));
        }
    }
}
