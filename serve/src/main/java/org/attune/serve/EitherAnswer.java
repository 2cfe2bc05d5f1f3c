package org.attune.serve;

import org.attune.rollout.constraint.Constraint;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// An answer that is held to be a call of a tool or a text of a format. What begins as a call does
/// is told at its end: until then it may be a text that looks like one.
final class EitherAnswer implements AnswerMessage {
    private final Constraint calls;
    private final List<String> heads; // of calls
    private final StringBuilder held = new StringBuilder();
    private AnswerMessage answer; // null as long as it may be either

    /// @param calls what calls look like
    /// @param tools as requests have them
    EitherAnswer(Constraint calls, List<Object> tools) {
        this.calls = calls;
        heads =
                tools.stream()
                        .map(FormatRequest::name)
                        .map("{\"name\":\"%s\",\"arguments\":"::formatted)
                        .toList();
    }

    @Override
    public List<Map<String, Object>> feed(String text) {
        if (answer != null) {
            return answer.feed(text);
        }
        held.append(text);
        return heads.stream().anyMatch(this::fits) ? List.of() : become(new PlainAnswer());
    }

    private boolean fits(String head) {
        int size = Math.min(head.length(), held.length());
        return head.startsWith(held.substring(0, size));
    }

    private List<Map<String, Object>> become(AnswerMessage kind) {
        answer = kind;
        return answer.feed(held.toString());
    }

    @Override
    public List<Map<String, Object>> finish(String text, String end, String reason) {
        List<Map<String, Object>> deltas = feed(text);
        if (answer == null) {
            boolean isCall = reason.equals("stop") && calls.matches(held.toString());
            deltas = become(isCall ? new CallAnswer(Optional.empty()) : new PlainAnswer());
        }
        List<Map<String, Object>> last = answer.finish("", end, reason);
        return Stream.concat(deltas.stream(), last.stream()).toList();
    }

    @Override
    public String finishReason() {
        return answer == null ? null : answer.finishReason();
    }

    @Override
    public Map<String, Object> message() {
        return answer.message();
    }
}
