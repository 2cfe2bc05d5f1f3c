package org.attune.feedback;

import org.attune.error.AttuneException;
import org.attune.feedback.Judgement.Corrected;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/// Changes what people wrote and what was answered before a store keeps it. Every text of a message
/// is changed, also within arguments of tools, but for roles, types and ids. Names of users are
/// kept, as `--forget` needs them.
///
/// @param change made to each text, from any thread
record Redaction(UnaryOperator<String> change) {
    private static final Set<String> KEPT = Set.of("role", "type", "id", "tool_call_id");

    GivenAnswer of(GivenAnswer answer) {
        return new GivenAnswer(
                answer.id(),
                answer.choice(),
                answer.time(),
                answer.user(),
                answer.origin(),
                list(answer.messages()),
                answer.tools(),
                map(answer.answer()),
                answer.usage());
    }

    Judgement of(Judgement judgement) {
        var opinion =
                judgement.opinion() instanceof Corrected(String text)
                        ? new Corrected(text(text))
                        : judgement.opinion();
        return new Judgement(
                judgement.id(),
                judgement.choice(),
                judgement.user(),
                opinion,
                text(judgement.note()));
    }

    /// @throws AttuneException if the change fails, so that nothing is kept as it was
    private String text(String text) {
        try {
            return change.apply(text);
        } catch (RuntimeException | StackOverflowError e) {
            throw new AttuneException("a text can't be redacted, so it isn't kept: " + e, e);
        }
    }

    private Object value(Object value) {
        return switch (value) {
            case String text -> text(text);
            case List<?> list -> list(list);
            case Map<?, ?> map -> map(map);
            case null, default -> value;
        };
    }

    private List<Object> list(List<?> list) {
        List<Object> changed = new ArrayList<>();
        list.forEach(one -> changed.add(value(one)));
        return changed;
    }

    private Map<String, Object> map(Map<?, ?> map) {
        Map<String, Object> changed = new LinkedHashMap<>();
        map.forEach((key, one) -> changed.put((String) key, KEPT.contains(key) ? one : value(one)));
        return changed;
    }
}
