package org.attune.text;

import org.attune.error.DatasetException;
import org.attune.text.ChatTemplate.Rendering;
import org.attune.text.ChatTemplate.Tail;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Finds the assistant's turns in a rendered conversation.
///
/// A template with `{% generation %}` markers says it itself. Without markers the conversation is
/// rendered up to each assistant turn, with the header of the turn and again with the turn; the
/// text that the second has more is the turn. That holds only if every such rendering is how the
/// whole rendering begins, which is checked: templates that drop reasoning from earlier turns, say,
/// fail it. Their turns are found by [changing][DifferenceSearch] one message after the other.
///
/// A turn found that way ends with its end-of-turn token: white space that the template writes
/// between that token and the next turn (the line break after ChatML's `<|im_end|>`) is not part of
/// it, since a model stops at the token and never has to say more. Most templates with markers draw
/// the line there too; some of TRL's (Qwen, Gemma) put the line break inside. A turn starts behind
/// what the generation prompt writes, tags of reasoning included (`<think>`, or an empty block);
/// templates with markers may put those inside, as TRL's for Qwen 3.5 do.
sealed interface AssistantSpans {
    /// @param start  first UTF-16 unit of each span, in order
    /// @param end    one past the last
    /// @param source how they were found
    /// @param missing an end token that stands in no text yet, and in the last span
    record Found(int[] start, int[] end, AssistantMask.Source source, Optional<String> missing)
            implements AssistantSpans {
        Found(int[] start, int[] end, AssistantMask.Source source) {
            this(start, end, source, Optional.empty());
        }

        /// The spans at other places of a text.
        ///
        /// @param places all starts, then all ends
        Found at(int[] places) {
            return new Found(
                    Arrays.copyOf(places, start.length),
                    Arrays.copyOfRange(places, start.length, places.length),
                    source,
                    missing);
        }

        /// Number of the first span that a piece of the text overlaps; -1 if it overlaps none.
        int overlapped(int from, int to) {
            for (int i = 0; i < start.length; i++) {
                if (from < end[i] && to > start[i]) {
                    return i;
                }
            }
            return -1;
        }
    }

    /// @param reason in words for the user
    record NotFound(String reason) implements AssistantSpans {}

    /// @param whole    the conversation's rendering
    /// @param controls texts of control tokens, one of which ends a turn
    /// @param ends     tokens at which the model stops: where one follows a turn at once, the turn
    ///     ends with it
    static AssistantSpans find(
            ChatTemplate template,
            Conversation conversation,
            Tail tail,
            Rendering whole,
            List<String> controls,
            TurnEnds ends) {
        if (!template.marksAssistant()) {
            ChatTemplate parts =
                    template instanceof CompleteTemplate checked ? checked.unchecked() : template;
            AssistantSpans spans = search(parts, conversation, tail, whole.text(), controls);
            return spans instanceof Found found
                    ? new SpanEnds(parts, conversation, tail, whole.text(), controls, ends)
                            .mended(found)
                    : spans;
        }
        for (int start : whole.start()) {
            if (start < 0) {
                return new NotFound(
                        "the chat template has {% generation %} inside a macro or block"
                                + " assignment, where its place in the text can't be known");
            }
        }
        return new Found(whole.start(), whole.end(), AssistantMask.Source.MARKERS);
    }

    private static AssistantSpans search(
            ChatTemplate template,
            Conversation conversation,
            Tail tail,
            String whole,
            List<String> controls) {
        AssistantSpans spans =
                new PrefixSearch(template, conversation, tail, whole, controls).find();
        return spans instanceof NotFound byPrefixes
                ? differences(template, conversation, tail, whole, controls, byPrefixes)
                : spans;
    }

    private static AssistantSpans differences(
            ChatTemplate template,
            Conversation conversation,
            Tail tail,
            String whole,
            List<String> endings,
            NotFound byPrefixes) {
        var search = new DifferenceSearch(template, conversation, tail, whole);
        var starts = new ArrayList<Integer>();
        var ends = new ArrayList<Integer>();
        for (int i = 0; i < conversation.messages().size(); i++) {
            if (!conversation.messages().get(i).role().equals("assistant")) {
                continue;
            }
            try {
                DifferenceSearch.Turn turn = search.turn(i);
                if (!ends.isEmpty() && turn.start() < ends.getLast()) {
                    return byPrefixes;
                }
                starts.add(turn.start());
                ends.add(turn.end(whole, endings));
            } catch (DatasetException e) {
                return new NotFound(
                        byPrefixes.reason() + "; nor by changing it alone: " + e.getMessage());
            }
        }
        return new Found(array(starts), array(ends), AssistantMask.Source.DIFFERENCES);
    }

    /// The end of the last control token in the turn, if only white space follows it.
    static int endOfTurn(String whole, int start, int end, List<String> endings) {
        int trimmed = end;
        while (trimmed > start && Character.isWhitespace(whole.charAt(trimmed - 1))) {
            trimmed--;
        }
        for (String ending : endings) {
            boolean inside = trimmed - ending.length() >= start;
            if (inside && whole.startsWith(ending, trimmed - ending.length())) {
                return trimmed;
            }
        }
        return end;
    }

    private static int[] array(List<Integer> values) {
        return values.stream().mapToInt(Integer::intValue).toArray();
    }

    /// Finds spans by rendering prefixes.
    record PrefixSearch(
            ChatTemplate template,
            Conversation conversation,
            Tail tail,
            String whole,
            List<String> endings) {

        AssistantSpans find() {
            List<Message> messages = conversation.messages();
            var starts = new ArrayList<Integer>();
            var ends = new ArrayList<Integer>();
            for (int i = 0; i < messages.size(); i++) {
                if (!messages.get(i).role().equals("assistant")) {
                    continue;
                }
                String before;
                String after;
                try {
                    before = render(messages.subList(0, i), Tail.GENERATION_PROMPT);
                    after = throughTurn(i);
                } catch (DatasetException e) {
                    return notFound(
                            i,
                            "the template can't render the messages up to there: "
                                    + e.getMessage());
                }
                if (!after.startsWith(before)) {
                    return notFound(i, "it doesn't start like the template's generation prompt");
                }
                if (!whole.startsWith(after)) {
                    return notFound(
                            i,
                            "the template renders the messages up to there differently once others"
                                    + " follow (reasoning left out of earlier turns, for example)");
                }
                starts.add(before.length());
                ends.add(endOfTurn(whole, before.length(), after.length(), endings));
            }
            return new Found(array(starts), array(ends), AssistantMask.Source.PREFIXES);
        }

        private String throughTurn(int i) {
            List<Message> messages = conversation.messages();
            boolean last = i == messages.size() - 1;
            return last && tail != Tail.GENERATION_PROMPT
                    ? whole
                    : render(messages.subList(0, i + 1), Tail.NOTHING);
        }

        private String render(List<Message> messages, Tail end) {
            return template.render(conversation.withMessages(messages), end).text();
        }

        private static NotFound notFound(int turn, String why) {
            return new NotFound(
                    "the chat template has no {% generation %} markers, and the assistant's turn"
                            + " in message "
                            + (turn + 1)
                            + " can't be told apart: "
                            + why
                            + ". Use a template with markers (chat_template_path)");
        }
    }
}
