package org.attune.springai;

import org.attune.json.Json;
import org.attune.json.JsonException;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.Message;
import org.springframework.ai.chat.messages.SystemMessage;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.content.MediaContent;
import org.springframework.ai.model.tool.StructuredOutputChatOptions;
import org.springframework.ai.retry.NonTransientAiException;
import org.springframework.ai.tool.ToolCallback;
import org.springframework.ai.tool.definition.ToolDefinition;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Writes a prompt of Spring AI as `/v1/chat/completions` has it.
final class PromptKeys {
    /// The metadata of a message of the assistant that has what it thought.
    static final String THINKING = "thinking";

    private PromptKeys() {}

    /// @param prompt with [AttuneChatOptions]
    /// @throws NonTransientAiException if it has what no model here understands
    static Map<String, Object> of(Prompt prompt) {
        var options = (AttuneChatOptions) prompt.getOptions();
        Map<String, Object> keys = new LinkedHashMap<>();
        keys.put("messages", prompt.getInstructions().stream().flatMap(PromptKeys::of).toList());
        keys.put("model", options.getModel());
        keys.put("temperature", options.getTemperature());
        keys.put("top_p", options.getTopP());
        keys.put("top_k", options.getTopK());
        keys.put("frequency_penalty", options.getFrequencyPenalty());
        keys.put("presence_penalty", options.getPresencePenalty());
        keys.put("max_tokens", options.getMaxTokens());
        keys.put("stop", options.getStopSequences());
        List<ToolCallback> tools = options.getToolCallbacks();
        if (tools != null && !tools.isEmpty()) {
            keys.put(
                    "tools",
                    tools.stream().map(t -> PromptKeys.of(t.getToolDefinition())).toList());
        }
        outputSchema(options)
                .ifPresent(
                        schema ->
                                keys.put(
                                        "response_format",
                                        Map.of(
                                                "type",
                                                "json_schema",
                                                "json_schema",
                                                Map.of("schema", parsed("a schema", schema)))));
        keys.values().removeIf(value -> value == null);
        options.getKeys().forEach((key, value) -> add(keys, key, value));
        return keys;
    }

    private static void add(Map<String, Object> keys, String key, Object value) {
        if (keys.putIfAbsent(key, value) != null) {
            throw new NonTransientAiException(
                    "\"%s\" is set twice: by Spring AI's option and by set(\"%1$s\", …)"
                            .formatted(key));
        }
    }

    /// The schema that options of any kind ask answers to keep to.
    static Optional<String> outputSchema(ChatOptions options) {
        return options instanceof StructuredOutputChatOptions structured
                ? Optional.ofNullable(structured.getOutputSchema())
                : Optional.empty();
    }

    private static Stream<Map<String, Object>> of(Message message) {
        if (message instanceof MediaContent content && !content.getMedia().isEmpty()) {
            throw new NonTransientAiException(
                    "media of a message aren't supported by Attune, whose models read and write"
                            + " text");
        }
        return switch (message) {
            case SystemMessage _ -> Stream.of(fields("system", message));
            case UserMessage _ -> Stream.of(fields("user", message));
            case AssistantMessage answer -> {
                Map<String, Object> fields = fields("assistant", message);
                if (answer.getMetadata().get(THINKING) instanceof String thought) {
                    fields.put("reasoning_content", thought);
                }
                fields.put(
                        "tool_calls", answer.getToolCalls().stream().map(PromptKeys::of).toList());
                yield Stream.of(fields);
            }
            case ToolResponseMessage results -> results.getResponses().stream().map(PromptKeys::of);
            default ->
                    throw new NonTransientAiException(
                            "messages of the type %s aren't supported by Attune"
                                    .formatted(message.getMessageType()));
        };
    }

    private static Map<String, Object> fields(String role, Message message) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("role", role);
        fields.put("content", message.getText() == null ? "" : message.getText());
        return fields;
    }

    private static Map<String, Object> of(AssistantMessage.ToolCall call) {
        return Map.of(
                "id",
                call.id(),
                "type",
                "function",
                "function",
                Map.of("name", call.name(), "arguments", call.arguments()));
    }

    private static Map<String, Object> of(ToolResponseMessage.ToolResponse result) {
        return Map.of(
                "role",
                "tool",
                "tool_call_id",
                result.id(),
                "name",
                result.name(),
                "content",
                result.responseData());
    }

    private static Map<String, Object> of(ToolDefinition tool) {
        Map<String, Object> function = new LinkedHashMap<>();
        function.put("name", tool.name());
        function.put("description", tool.description());
        function.put(
                "parameters", parsed("the schema of the tool " + tool.name(), tool.inputSchema()));
        return Map.of("type", "function", "function", function);
    }

    private static Object parsed(String what, String schema) {
        try {
            return Json.parse(schema);
        } catch (JsonException e) {
            throw new NonTransientAiException(what + " is no JSON: " + e.getMessage(), e);
        }
    }
}
