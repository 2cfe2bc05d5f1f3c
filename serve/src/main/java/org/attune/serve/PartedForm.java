package org.attune.serve;

import org.attune.json.Json;
import org.attune.serve.AnswerPart.Kind;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Writes one answer as parts that begin, grow and end, as newer endpoints have it. What they are
/// called is the business of each.
abstract sealed class PartedForm implements AnswerForm permits MessagesForm, ResponsesForm {
    private final ChatRequest request;
    private final AnswerMessage answer;
    private final List<AnswerPart> parts = new ArrayList<>();
    private final StringBuilder sent = new StringBuilder();
    private boolean isBegun;
    private boolean isOpen; // the last part
    private long tokens;
    private Optional<String> stop = Optional.empty();

    PartedForm(ChatRequest request) {
        this.request = request;
        answer = ChatForm.answer(request);
    }

    /// The answer begins.
    abstract void begin();

    /// A part begins; it is the last of [#parts].
    abstract void begin(AnswerPart part);

    /// The last part grows.
    abstract void more(AnswerPart part, String text);

    /// The last part ends.
    abstract void end(AnswerPart part);

    /// The answer ends, all parts having ended.
    abstract void finish();

    /// The whole answer.
    abstract Object whole();

    final ChatRequest request() {
        return request;
    }

    final List<AnswerPart> parts() {
        return parts;
    }

    /// Tokens that were sampled so far.
    final long tokens() {
        return tokens;
    }

    final long promptTokens() {
        return request.prompt().ids().length;
    }

    /// Why it ended, as `/v1/chat/completions` says it; null while it goes on.
    final String finishReason() {
        return answer.finishReason();
    }

    /// The text that ended it, if one did.
    final Optional<String> stop() {
        return stop;
    }

    /// Sends an event with its name.
    final void send(String name, Map<String, Object> data) {
        sent.append("event: ").append(name).append('\n').append(AnswerForm.event(data));
    }

    @Override
    public final List<Map<String, Object>> messages() {
        return List.of(answer.message());
    }

    @Override
    public final boolean isStream() {
        return request.stream().isStream();
    }

    @Override
    public final String take(AnswerEvent event) {
        if (!isBegun) {
            isBegun = true;
            begin();
        }
        switch (event) {
            case AnswerEvent.Token token -> {
                tokens++;
                answer.feed(token.text()).forEach(this::take);
            }
            case AnswerEvent.End(int _, String text, String end, var reason, var found) -> {
                stop = found;
                answer.finish(text, end, reason.finishReason()).forEach(this::take);
                close();
            }
            case AnswerEvent.Failure _ -> {}
        }
        return flush();
    }

    private void take(Map<String, Object> delta) {
        if (delta.get("content") instanceof String text && !text.isEmpty()) {
            grow(Kind.TEXT, text);
        }
        if (delta.get("reasoning_content") instanceof String text) {
            grow(Kind.REASONING, text);
        }
        if (delta.get("tool_calls") instanceof List<?> calls
                && calls.getFirst() instanceof Map<?, ?> call
                && call.get("function") instanceof Map<?, ?> function) {
            if (call.get("id") instanceof String id) {
                open(new AnswerPart(Kind.CALL, id, (String) function.get("name")));
            }
            if (function.get("arguments") instanceof String text && !text.isEmpty()) {
                grow(text);
            }
        }
    }

    private void grow(Kind kind, String text) {
        if (!isOpen || parts.getLast().kind() != kind) {
            open(new AnswerPart(kind, "", ""));
        }
        grow(text);
    }

    private void grow(String text) {
        parts.getLast().append(text);
        more(parts.getLast(), text);
    }

    private void open(AnswerPart part) {
        close();
        parts.add(part);
        isOpen = true;
        begin(part);
    }

    private void close() {
        if (isOpen) {
            isOpen = false;
            end(parts.getLast());
        }
    }

    private String flush() {
        String text = isStream() ? sent.toString() : "";
        sent.setLength(0);
        return text;
    }

    @Override
    public final String end() {
        if (!isStream()) {
            return Json.write(whole());
        }
        finish();
        return flush();
    }
}
