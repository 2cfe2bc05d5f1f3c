package org.attune.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Writes a request of LangChain4j as `/v1/chat/completions` has it.
final class RequestKeys {
    private RequestKeys() {}

    /// @throws UnsupportedFeatureException if it has what no model here understands
    static Map<String, Object> of(ChatRequest request) {
        ChatRequestParameters parameters = request.parameters();
        Map<String, Object> keys = new LinkedHashMap<>();
        keys.put("messages", request.messages().stream().map(RequestKeys::message).toList());
        keys.put("model", parameters.modelName());
        keys.put("temperature", parameters.temperature());
        keys.put("top_p", parameters.topP());
        keys.put("top_k", parameters.topK());
        keys.put("frequency_penalty", parameters.frequencyPenalty());
        keys.put("presence_penalty", parameters.presencePenalty());
        keys.put("max_tokens", parameters.maxOutputTokens());
        if (!parameters.stopSequences().isEmpty()) {
            keys.put("stop", parameters.stopSequences());
        }
        if (!parameters.toolSpecifications().isEmpty()) {
            keys.put(
                    "tools",
                    parameters.toolSpecifications().stream().map(RequestKeys::tool).toList());
        }
        if (parameters.toolChoice() != null) {
            keys.put("tool_choice", parameters.toolChoice().name().toLowerCase(Locale.ROOT));
        }
        keys.put("response_format", format(parameters.responseFormat()));
        keys.values().removeIf(value -> value == null);
        if (parameters instanceof AttuneChatRequestParameters own) {
            own.keys().forEach((key, value) -> add(keys, key, value));
        }
        return keys;
    }

    private static void add(Map<String, Object> keys, String key, Object value) {
        if (keys.putIfAbsent(key, value) != null) {
            throw new InvalidRequestException(
                    "\"%s\" is set twice: by LangChain4j's parameter and by set(\"%1$s\", …)"
                            .formatted(key));
        }
    }

    private static Map<String, Object> message(ChatMessage message) {
        Map<String, Object> fields = new LinkedHashMap<>();
        switch (message) {
            case SystemMessage system -> {
                fields.put("role", "system");
                fields.put("content", system.text());
            }
            case UserMessage user -> {
                fields.put("role", "user");
                fields.put("name", user.name());
                fields.put("content", content(user.contents()));
            }
            case AiMessage answer -> {
                fields.put("role", "assistant");
                fields.put("content", answer.text());
                fields.put("reasoning_content", answer.thinking());
                fields.put(
                        "tool_calls",
                        answer.toolExecutionRequests().stream().map(RequestKeys::call).toList());
            }
            case ToolExecutionResultMessage result -> {
                fields.put("role", "tool");
                fields.put("tool_call_id", result.id());
                fields.put("name", result.toolName());
                fields.put("content", content(result.contents()));
            }
            default -> throw unsupported("messages of the type " + message.type());
        }
        fields.values().removeIf(value -> value == null);
        return fields;
    }

    private static UnsupportedFeatureException unsupported(String what) {
        return new UnsupportedFeatureException(
                what + " are not supported by Attune, whose models read and write text");
    }

    private static Object content(List<Content> contents) {
        if (contents.size() == 1 && contents.getFirst() instanceof TextContent text) {
            return text.text();
        }
        return contents.stream()
                .map(
                        part -> {
                            if (part instanceof TextContent text) {
                                return Map.of("type", "text", "text", text.text());
                            }
                            throw unsupported(
                                    "contents of the type "
                                            + part.type()
                                            + ", such as images, and other non-text content");
                        })
                .toList();
    }

    private static Map<String, Object> call(ToolExecutionRequest request) {
        Map<String, Object> call = new LinkedHashMap<>();
        if (request.id() != null) {
            call.put("id", request.id());
        }
        call.put("type", "function");
        String arguments = request.arguments() == null ? "{}" : request.arguments();
        call.put("function", Map.of("name", request.name(), "arguments", arguments));
        return call;
    }

    private static Map<String, Object> tool(ToolSpecification tool) {
        Map<String, Object> function = new LinkedHashMap<>();
        function.put("name", tool.name());
        if (tool.description() != null) {
            function.put("description", tool.description());
        }
        function.put(
                "parameters",
                tool.parameters() == null
                        ? Map.of("type", "object", "properties", Map.of())
                        : Schemas.of(tool.parameters()));
        return Map.of("type", "function", "function", function);
    }

    /// @return null for any text
    private static Map<String, Object> format(ResponseFormat format) {
        if (format == null || format.type() == ResponseFormatType.TEXT) {
            return null;
        }
        if (format.jsonSchema() == null) {
            return Map.of("type", "json_object");
        }
        Object schema = Schemas.of(format.jsonSchema().rootElement());
        return Map.of("type", "json_schema", "json_schema", Map.of("schema", schema));
    }
}
