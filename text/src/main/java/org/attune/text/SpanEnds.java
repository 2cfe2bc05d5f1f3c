package org.attune.text;

import org.attune.error.DatasetException;
import org.attune.text.AssistantSpans.Found;
import org.attune.text.ChatTemplate.Tail;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// Where turns that were found end: before what may follow any turn, and with the token at which
/// the model stops.
///
/// @param whole    the conversation's rendering
/// @param controls texts of control tokens
record SpanEnds(
        ChatTemplate template,
        Conversation conversation,
        Tail tail,
        String whole,
        List<String> controls,
        TurnEnds ends) {
    /// Moves the ends of the spans that were found to where the turns end.
    Found mended(Found found) {
        List<Message> messages = conversation.messages();
        int[] turns =
                IntStream.range(0, messages.size())
                        .filter(i -> messages.get(i).role().equals("assistant"))
                        .toArray();
        int[] end = found.end().clone();
        for (int i = 0; i < end.length; i++) {
            int start = found.start()[i];
            end[i] = ends.withNext(whole, start, beforeHeader(turns[i], start, end[i]));
        }
        Optional<String> missing = missing(found.start(), end);
        if (missing.isPresent()) {
            end[end.length - 1] += missing.get().length();
        }
        return new Found(found.start(), end, found.source(), missing);
    }

    private Optional<String> missing(int[] start, int[] end) {
        boolean isLast =
                end.length > 0
                        && tail == Tail.NOTHING
                        && conversation.messages().getLast().role().equals("assistant");
        int last = end.length - 1;
        return isLast
                ? ends.missing(template, conversation, whole, start[last], end[last])
                : Optional.empty();
    }

    /// A template may write a header behind every turn, as Command R+'s does before its reminder.
    /// Where the turn is the last one, all of that looks like its end.
    private int beforeHeader(int message, int start, int end) {
        boolean isPlain = ends.isEnded(whole, start, end) && !hasControlInside(start, end);
        if (message == 0 || isPlain) {
            return end;
        }
        try {
            Conversation before =
                    conversation.withMessages(conversation.messages().subList(0, message));
            Optional<String> opening = TurnHeader.opening(template, before, controls);
            if (opening.isEmpty() || !whole.substring(start, end).contains(opening.get())) {
                return end;
            }
            int text = new DifferenceSearch(template, conversation, tail, whole).textEnd(message);
            int at = whole.indexOf(opening.get(), text);
            return at < 0 || at >= end ? end : AssistantSpans.endOfTurn(whole, start, at, controls);
        } catch (DatasetException e) {
            return end; // of a turn whose parts can't be told
        }
    }

    private boolean hasControlInside(int start, int end) {
        return controls.stream()
                .anyMatch(
                        text -> {
                            int at = whole.indexOf(text, start);
                            return at >= 0 && at + text.length() < end;
                        });
    }
}
