package org.attune.text;

import org.attune.error.DatasetException;
import org.attune.text.ChatTemplate.Tail;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Tokens at which a model stops, and where a chat template writes them. Some templates end a turn
/// by the token that begins what follows: GLM's `<|user|>` or `<|observation|>`. What follows is
/// another's, but the model has to say that token, or it never stops.
///
/// @param texts of end tokens: those of `generation_config.json` and the tokenizer's own
record TurnEnds(List<String> texts) {
    TurnEnds {
        texts = texts.stream().filter(text -> !text.isEmpty()).toList();
    }

    /// The end of a turn, with an end token that follows it at once, if it has none.
    int withNext(String whole, int start, int end) {
        if (isEnded(whole, start, end)) {
            return end;
        }
        return next(whole, end).map(text -> end + text.length()).orElse(end);
    }

    /// The end token that the last turn of a conversation lacks, if the template would write it
    /// once others follow.
    ///
    /// @param whole the conversation's rendering
    Optional<String> missing(
            ChatTemplate template, Conversation conversation, String whole, int start, int end) {
        if (end != whole.length() || isEnded(whole, start, end) || texts.isEmpty()) {
            return Optional.empty();
        }
        var messages = new ArrayList<>(conversation.messages());
        boolean calls =
                messages.getLast().fields().get("tool_calls") instanceof List<?> list
                        && !list.isEmpty();
        messages.add(Message.of(calls ? "tool" : "user", "x"));
        try {
            String more = template.render(conversation.withMessages(messages), Tail.NOTHING).text();
            return more.startsWith(whole) ? next(more, whole.length()) : Optional.empty();
        } catch (DatasetException e) {
            return Optional.empty(); // nothing may follow, so nothing says how the turn would end
        }
    }

    /// Whether a turn ends with an end token.
    boolean isEnded(String whole, int start, int end) {
        return texts.stream()
                .anyMatch(
                        text ->
                                end - text.length() >= start
                                        && whole.startsWith(text, end - text.length()));
    }

    private Optional<String> next(String whole, int at) {
        return texts.stream().filter(text -> whole.startsWith(text, at)).findFirst();
    }
}
