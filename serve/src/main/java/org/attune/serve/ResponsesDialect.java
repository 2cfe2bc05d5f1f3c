package org.attune.serve;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// OpenAI's `/v1/responses`, without a store: each request brings its whole conversation.
final class ResponsesDialect implements Dialect {
    private static final Set<String> KEYS =
            Set.of(
                    "model",
                    "input",
                    "instructions",
                    "max_output_tokens",
                    "temperature",
                    "top_p",
                    "tools",
                    "tool_choice",
                    "parallel_tool_calls",
                    "stream",
                    "text",
                    "reasoning",
                    "store",
                    "include",
                    "metadata",
                    "user",
                    "truncation",
                    "service_tier",
                    "safety_identifier",
                    "prompt_cache_key");

    private static final Map<String, String> REFUSED =
            Map.of(
                    "previous_response_id", "nothing is stored; send the whole conversation",
                    "conversation", "nothing is stored; send the whole conversation",
                    "background", "an answer is sent as it is made",
                    "prompt", "there are no stored prompts here",
                    "max_tool_calls", "tools are called by the client");

    private static final List<String> SAME =
            List.of("model", "temperature", "top_p", "stream", "parallel_tool_calls");

    @Override
    public AnswerForm form(ChatRequest request, Map<String, Object> body) {
        return new ResponsesForm(request, body);
    }

    @Override
    public Fields chat(Fields body) throws ApiException {
        body.require(KEYS, REFUSED);
        if (!body.list("include", Integer.MAX_VALUE).isEmpty()) {
            throw body.bad("include", "isn't supported; leave it out");
        }
        if (!body.text("truncation").orElse("disabled").equals("disabled")) {
            throw body.bad("truncation", "isn't supported: conversations are read whole");
        }
        Map<String, Object> chat = new LinkedHashMap<>();
        for (String key : SAME) {
            chat.put(key, body.value(key));
        }
        chat.put("max_tokens", body.value("max_output_tokens"));
        chat.put("user", Traffic.user(body).orElse(null));
        List<Object> messages = new ArrayList<>();
        if (body.has("instructions")) {
            messages.add(message("system", body.value("instructions")));
        }
        if (body.value("input") instanceof String text) {
            messages.add(message("user", text));
        } else {
            for (Object item : body.list("input", Integer.MAX_VALUE)) {
                add(messages, body, item);
            }
        }
        chat.put("messages", messages);
        tools(chat, body);
        format(chat, body);
        Optional<Fields> reasoning = body.object("reasoning");
        if (reasoning.isPresent()) {
            reasoning
                    .get()
                    .require(Set.of("effort"), Map.of("summary", "reasoning is given as it is"));
            chat.put("reasoning_effort", reasoning.get().value("effort"));
        }
        return Fields.of(chat);
    }

    private static Map<String, Object> message(Object role, Object content) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }

    private static void add(List<Object> messages, Fields body, Object given) throws ApiException {
        if (!(given instanceof Map<?, ?> item)) {
            throw body.bad("input", "holds something that is no item: " + given);
        }
        switch (item.get("type") instanceof String type ? type : "message") {
            case "message" -> messages.add(message(item.get("role"), item.get("content")));
            case "function_call" -> {
                Map<String, Object> function = new LinkedHashMap<>();
                function.put("name", item.get("name"));
                function.put("arguments", item.get("arguments"));
                Map<String, Object> call = new LinkedHashMap<>();
                call.put("id", item.get("call_id"));
                call.put("type", "function");
                call.put("function", function);
                call(messages, call);
            }
            case "function_call_output" -> {
                Map<String, Object> result = message("tool", item.get("output"));
                result.put("tool_call_id", item.get("call_id"));
                messages.add(result);
            }
            case "reasoning" -> {} // what was thought before an earlier answer isn't read again
            default ->
                    throw body.bad(
                            "input",
                            "holds an item of the type %s; accepted: message, function_call, function_call_output, reasoning"
                                    .formatted(item.get("type")));
        }
    }

    /// Adds a call to the assistant's message before it, if there is one.
    @SuppressWarnings("unchecked") // made here
    private static void call(List<Object> messages, Map<String, Object> call) {
        if (!messages.isEmpty()
                && messages.getLast() instanceof Map<?, ?> last
                && "assistant".equals(last.get("role"))) {
            Map<String, Object> said = (Map<String, Object>) last;
            List<Object> calls = new ArrayList<>();
            if (said.get("tool_calls") instanceof List<?> before) {
                calls.addAll(before);
            }
            calls.add(call);
            said.put("tool_calls", calls);
        } else {
            Map<String, Object> said = message("assistant", "");
            said.put("tool_calls", List.of(call));
            messages.add(said);
        }
    }

    private static void tools(Map<String, Object> chat, Fields body) throws ApiException {
        List<Object> tools = new ArrayList<>();
        for (Object given : body.list("tools", Integer.MAX_VALUE)) {
            if (!(given instanceof Map<?, ?> tool) || !"function".equals(tool.get("type"))) {
                throw body.bad("tools", "holds a tool that is no function: " + given);
            }
            Map<Object, Object> function = new LinkedHashMap<>(tool);
            function.remove("type");
            tools.add(Map.of("type", "function", "function", function));
        }
        if (!tools.isEmpty()) {
            chat.put("tools", tools);
        }
        chat.put(
                "tool_choice",
                body.value("tool_choice") instanceof Map<?, ?> choice
                                && choice.get("name") instanceof String name
                        ? Map.of("type", "function", "function", Map.of("name", name))
                        : tools.isEmpty() && "auto".equals(body.value("tool_choice"))
                                ? null
                                : body.value("tool_choice"));
    }

    private static void format(Map<String, Object> chat, Fields body) throws ApiException {
        Optional<Fields> text = body.object("text");
        if (text.isEmpty()) {
            return;
        }
        text.get().require(Set.of("format"), Map.of("verbosity", "say it in words"));
        Optional<Fields> format = text.get().object("format");
        if (format.isPresent()) {
            Map<String, Object> all = new LinkedHashMap<>(format.get().all());
            if ("json_schema".equals(all.get("type"))) {
                all.remove("type");
                chat.put("response_format", Map.of("type", "json_schema", "json_schema", all));
            } else {
                chat.put("response_format", all);
            }
        }
    }
}
