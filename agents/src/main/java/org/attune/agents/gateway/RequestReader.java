package org.attune.agents.gateway;

import org.attune.json.Json;
import org.attune.json.JsonException;
import org.attune.text.Message;
import org.attune.text.OpenAiMessage;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// Reads the bodies of requests. What would change the answer and can't be obeyed is refused; how
/// tokens are sampled (`temperature`, `top_p`, `seed` …) is the run's business, so these are passed
/// over.
final class RequestReader {
    private static final Set<String> REFUSED =
            Set.of(
                    "stop",
                    "logit_bias",
                    "functions",
                    "function_call",
                    "audio",
                    "prediction",
                    "echo",
                    "suffix",
                    "best_of");

    private final Map<String, Object> body;

    private RequestReader(Map<String, Object> body) {
        this.body = body;
    }

    /// Reads the body of a request to `/chat/completions`.
    static ModelRequest chat(String body) throws RequestException {
        var reader = new RequestReader(object(body));
        reader.check();
        List<Message> messages = new ArrayList<>();
        for (Object one : reader.list("messages")) {
            messages.add(message(one));
        }
        if (messages.isEmpty()) {
            throw RequestException.bad("\"messages\" is missing or empty");
        }
        return new ModelRequest(
                messages, reader.tools(), Optional.empty(), reader.maxTokens(), reader.form());
    }

    /// Reads the body of a request to `/completions`.
    static ModelRequest text(String body) throws RequestException {
        var reader = new RequestReader(object(body));
        reader.check();
        Object prompt = reader.body.get("prompt");
        if (prompt instanceof List<?> list && list.size() == 1) {
            prompt = list.getFirst();
        }
        if (!(prompt instanceof String text) || text.isEmpty()) {
            throw RequestException.bad("\"prompt\" must be one text that isn't empty");
        }
        return new ModelRequest(
                List.of(), List.of(), Optional.of(text), reader.maxTokens(), reader.form());
    }

    private static Map<String, Object> object(String body) throws RequestException {
        try {
            if (Json.parseAsPython(body) instanceof Map<?, ?> map) {
                return named(map);
            }
        } catch (JsonException e) {
            throw RequestException.bad("the body is no JSON: " + e.getMessage());
        }
        throw RequestException.bad("the body is no JSON object");
    }

    @SuppressWarnings("unchecked") // keys of JSON objects are strings
    private static Map<String, Object> named(Map<?, ?> map) {
        return (Map<String, Object>) map;
    }

    private void check() throws RequestException {
        for (String key : REFUSED) {
            if (body.get(key) != null) {
                throw RequestException.bad(
                        "\"%s\" isn't supported, and the answer would be another without it"
                                .formatted(key));
            }
        }
        if (body.get("n") instanceof Number n && n.intValue() != 1) {
            throw RequestException.bad(
                    "\"n\" is %s; one answer is given to a request".formatted(n));
        }
        if (body.get("response_format") instanceof Map<?, ?> format
                && !Objects.equals(format.get("type"), "text")) {
            throw RequestException.bad(
                    "\"response_format\" is %s; only text is supported"
                            .formatted(format.get("type")));
        }
        Object choice = body.get("tool_choice");
        if (choice != null && !choice.equals("auto") && !choice.equals("none")) {
            throw RequestException.bad(
                    "\"tool_choice\" is %s; accepted: auto, none".formatted(choice));
        }
    }

    private List<Object> tools() throws RequestException {
        return "none".equals(body.get("tool_choice")) ? List.of() : list("tools");
    }

    private List<Object> list(String key) throws RequestException {
        return switch (body.get(key)) {
            case null -> List.of();
            case List<?> list -> new ArrayList<>(list);
            case Object other ->
                    throw RequestException.bad("\"%s\" is no list: %s".formatted(key, other));
        };
    }

    private OptionalInt maxTokens() throws RequestException {
        Object most = body.getOrDefault("max_completion_tokens", body.get("max_tokens"));
        if (most == null) {
            return OptionalInt.empty();
        }
        if (!(most instanceof Number number) || number.longValue() < 1) {
            throw RequestException.bad(
                    "\"max_tokens\" is %s; accepted: at least 1".formatted(most));
        }
        return OptionalInt.of((int) Math.min(Integer.MAX_VALUE, number.longValue()));
    }

    private ModelRequest.ReplyForm form() {
        boolean hasUsage =
                body.get("stream_options") instanceof Map<?, ?> options
                        && Boolean.TRUE.equals(options.get("include_usage"));
        return new ModelRequest.ReplyForm(Boolean.TRUE.equals(body.get("stream")), hasUsage);
    }

    private static Message message(Object value) throws RequestException {
        try {
            return OpenAiMessage.readText(value);
        } catch (IllegalArgumentException e) {
            throw RequestException.bad(e.getMessage());
        }
    }
}
