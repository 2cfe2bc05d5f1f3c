package org.attune.datasets.formats;

import org.attune.datasets.formats.LlamaFactorySpec.Formatting;
import org.attune.datasets.rows.JsonValues;
import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// The turns of one sharegpt or openai row under TRL's role names, checked for LLaMA-Factory's
/// order: user or observation, then assistant or function call, in turn. In the openai layout
/// several tool results may follow each other.
final class TurnAlignment {
    private enum Role {
        USER,
        ASSISTANT,
        OBSERVATION,
        FUNCTION
    }

    private final LlamaFactorySpec spec;
    private final String where;

    TurnAlignment(LlamaFactorySpec spec, String where) {
        this.spec = spec;
        this.where = where;
    }

    /// All turns after the system turn. A ranking row ends with a question, any other with an
    /// answer.
    List<Object> align(List<?> messages) {
        var turns = new ArrayList<>();
        boolean question = true;
        Role before = null;
        for (int i = 0; i < messages.size(); i++) {
            String turn = "turn " + (i + 1);
            Map<?, ?> message = object(messages.get(i), turn);
            Role role = role(message, turn);
            boolean asks = role == Role.USER || role == Role.OBSERVATION;
            boolean moreResults =
                    spec.formatting() == Formatting.OPENAI
                            && role == Role.OBSERVATION
                            && before == Role.OBSERVATION;
            if (asks != question && !moreResults) {
                throw fault(
                        "%s is from %s; turns must alternate, %s is expected here"
                                .formatted(
                                        turn,
                                        message.get(tag("role_tag")),
                                        question
                                                ? names("user_tag", "observation_tag")
                                                : names("assistant_tag", "function_tag")));
            }
            turns.add(turn(role, message, turn));
            question = !asks;
            before = role;
        }
        if (turns.isEmpty()) {
            throw fault("there are no turns");
        }
        if (question == spec.ranking()) {
            throw fault(
                    spec.ranking()
                            ? "a preference row must end with a question, it ends with an answer"
                            : "the conversation must end with an answer, it ends with a question");
        }
        return turns;
    }

    /// The turn of a `chosen` or `rejected` column.
    Object answer(String side, Object value) {
        Map<?, ?> message = object(value, spec.columns().getOrDefault(side, side));
        Role role = role(message, side);
        if (role == Role.USER || role == Role.OBSERVATION) {
            throw fault(
                    "%s is from %s; %s is accepted"
                            .formatted(
                                    side,
                                    message.get(tag("role_tag")),
                                    names("assistant_tag", "function_tag")));
        }
        return turn(role, message, side);
    }

    private Object turn(Role role, Map<?, ?> message, String turn) {
        Object value = message.get(tag("content_tag"));
        boolean calls = message.get("tool_calls") instanceof List<?> list && !list.isEmpty();
        if (!(value instanceof String) && !(value == null && calls)) {
            throw fault(
                    "the text (%s) of %s is %s, a string is accepted"
                            .formatted(tag("content_tag"), turn, JsonValues.kind(value)));
        }
        String text = value == null ? "" : (String) value;
        return switch (role) {
            case USER -> LlamaFactoryFormat.turn("user", text);
            case OBSERVATION -> LlamaFactoryFormat.turn("tool", text);
            case FUNCTION -> FunctionCalls.message(text, where + ": " + turn);
            case ASSISTANT ->
                    calls
                            ? FunctionCalls.message(
                                    text, (List<?>) message.get("tool_calls"), where + ": " + turn)
                            : LlamaFactoryFormat.turn("assistant", text);
        };
    }

    private Role role(Map<?, ?> message, String turn) {
        Object name = message.get(tag("role_tag"));
        for (Role role : Role.values()) {
            if (name != null && name.equals(spec.tags().get(tagOf(role)))) {
                return role;
            }
        }
        throw fault(
                "%s has the role %s; accepted are %s"
                        .formatted(
                                turn,
                                name,
                                names(
                                        "user_tag",
                                        "assistant_tag",
                                        "observation_tag",
                                        "function_tag")));
    }

    private static String tagOf(Role role) {
        return switch (role) {
            case USER -> "user_tag";
            case ASSISTANT -> "assistant_tag";
            case OBSERVATION -> "observation_tag";
            case FUNCTION -> "function_tag";
        };
    }

    private String tag(String tag) {
        return spec.tags().getOrDefault(tag, LlamaFactorySpec.SHAREGPT_TAGS.get(tag));
    }

    private String names(String... tags) {
        return String.join(
                " or ",
                List.of(tags).stream()
                        .filter(spec.tags()::containsKey)
                        .map(spec.tags()::get)
                        .toList());
    }

    private Map<?, ?> object(Object value, String what) {
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw fault(
                what
                        + " is "
                        + JsonValues.kind(value)
                        + ", an object {"
                        + tag("role_tag")
                        + ", "
                        + tag("content_tag")
                        + "} is accepted");
    }

    private DatasetException fault(String what) {
        return new DatasetException(where + ": " + what);
    }
}
