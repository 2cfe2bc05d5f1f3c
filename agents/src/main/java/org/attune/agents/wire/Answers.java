package org.attune.agents.wire;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectReader;

import org.attune.agents.environment.Opening;
import org.attune.agents.environment.Step;
import org.attune.agents.tool.ToolResult;
import org.attune.error.Excerpt;
import org.attune.json.Json;
import org.attune.text.Message;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/// Reads answers of programs and servers.
final class Answers {
    private static final ObjectReader FIELDS =
            Json.WITH_NAN.forType(new TypeReference<Map<String, Object>>() {});

    private static final Set<String> KEYS =
            Set.of("tools", "result", "refused", "done", "error", "messages", "reward", "rewards");

    private Answers() {}

    /// The answer that a text is; empty if it is something else that was printed.
    static Optional<Map<String, Object>> parse(String text) {
        if (!text.startsWith("{")) {
            return Optional.empty();
        }
        try {
            Map<String, Object> fields = FIELDS.readValue(text);
            return Optional.of(fields).filter(f -> f.keySet().stream().anyMatch(KEYS::contains));
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
    }

    /// @throws IOException if it says that the world failed
    static void requireNoError(Map<String, Object> answer) throws IOException {
        if (answer.get("error") != null) {
            throw new IOException("says that it failed: " + Excerpt.of(answer.get("error")));
        }
    }

    static ToolResult toolResult(Map<String, Object> answer) throws IOException {
        if (answer.get("refused") != null) {
            return new ToolResult.Refused(text(answer.get("refused")));
        }
        if (answer.containsKey("done")) {
            return new ToolResult.Final(text(answer.get("done")));
        }
        if (answer.containsKey("result")) {
            return new ToolResult.Ok(text(answer.get("result")));
        }
        throw unexpected(answer, "result, refused or done");
    }

    static Opening opening(Map<String, Object> answer) throws IOException {
        if (answer.containsKey("messages")) {
            return new Opening(Optional.empty(), messages(answer));
        }
        if (answer.containsKey("result")) {
            return new Opening(
                    Optional.ofNullable(answer.get("result")).map(Answers::text), List.of());
        }
        throw unexpected(answer, "result or messages");
    }

    static Step step(Map<String, Object> answer) throws IOException {
        double reward = reward(answer).orElse(0);
        String role = answer.get("role") == null ? "" : text(answer.get("role"));
        boolean isAnew = Boolean.TRUE.equals(answer.get("anew"));
        if (answer.containsKey("done") && !Boolean.FALSE.equals(answer.get("done"))) {
            return new Step.Done(reward, true);
        }
        if (answer.containsKey("messages")) {
            return new Step.Observe(messages(answer), reward, role, isAnew);
        }
        if (answer.containsKey("result")) {
            return new Step.Observe(
                    List.of(Message.of("user", text(answer.get("result")))), reward, role, isAnew);
        }
        throw unexpected(answer, "result, messages or done");
    }

    /// What roles get; empty for none.
    static Map<String, Double> rewards(Map<String, Object> answer) throws IOException {
        var rewards = new LinkedHashMap<String, Double>();
        if (answer.get("rewards") instanceof Map<?, ?> given) {
            for (Map.Entry<String, Object> one : named(given).entrySet()) {
                rewards.put(one.getKey(), reward(one.getValue()).orElse(0));
            }
        } else if (answer.get("rewards") != null) {
            throw new IOException(
                    "gave rewards that are no {role: number, …}: "
                            + Excerpt.of(answer.get("rewards")));
        }
        return rewards;
    }

    /// Empty for none.
    static OptionalDouble reward(Map<String, Object> answer) throws IOException {
        return reward(answer.get("reward"));
    }

    private static OptionalDouble reward(Object given) throws IOException {
        return switch (given) {
            case null -> OptionalDouble.empty();
            case Boolean truth -> OptionalDouble.of(truth ? 1 : 0);
            case Number number when Double.isFinite(number.doubleValue()) ->
                    OptionalDouble.of(number.doubleValue());
            case Object other ->
                    throw new IOException("gave a reward that is no number: " + Excerpt.of(other));
        };
    }

    private static List<Message> messages(Map<String, Object> answer) throws IOException {
        var messages = new ArrayList<Message>();
        if (answer.get("messages") instanceof List<?> list) {
            for (Object one : list) {
                if (!(one instanceof Map<?, ?> map) || !(map.get("role") instanceof String)) {
                    throw new IOException("gave a message without a role: " + Excerpt.of(one));
                }
                messages.add(new Message(named(map)));
            }
        }
        return messages;
    }

    @SuppressWarnings("unchecked") // keys of JSON objects are strings
    static Map<String, Object> named(Map<?, ?> map) {
        return (Map<String, Object>) map;
    }

    /// A text as it is, anything else as JSON.
    private static String text(Object value) {
        return value instanceof String text ? text : Json.write(value);
    }

    static IOException unexpected(Map<String, Object> answer, String expected) {
        return new IOException("answered with %s, not %s".formatted(answer.keySet(), expected));
    }
}
