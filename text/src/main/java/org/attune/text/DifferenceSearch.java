package org.attune.text;

import org.attune.error.DatasetException;
import org.attune.text.ChatTemplate.Tail;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Finds the assistant's turns in a rendering by changing them. What differs when only the texts of
/// one message are other ones is that message, wherever it stands. That works where the beginning
/// of a conversation isn't rendered as it is inside of the whole one: templates leave reasoning out
/// of earlier turns (Qwen 3, DeepSeek R1) or end every rendering with a token (Phi 3).
///
/// A turn starts behind the template's generation prompt, which must stand between the message
/// before and the turn's own text. It goes on behind its text as it does where it is the last one.
///
/// @param whole the conversation's rendering
record DifferenceSearch(ChatTemplate template, Conversation conversation, Tail tail, String whole) {
    private static final String OTHER = "⟪attune⟫";
    private static final Pattern REASONED =
            Pattern.compile("(?s)(\\s*<think>\\s*)(.*?)(\\s*</think>\\s*)(.*)");

    /// A part of the rendering.
    ///
    /// @param start first UTF-16 unit
    /// @param end   one past the last
    record Span(int start, int end) {}

    /// @param start   first UTF-16 unit behind the header
    /// @param textEnd one past the last of the message's own text
    /// @param end     the most that may belong to the turn
    record Turn(int start, int textEnd, int end) {
        /// The end of its last control token, behind which at most white space belongs to it. What
        /// comes next may begin like a token that only ends conversations. A turn may also end with
        /// another token where it is the last one.
        int end(String whole, List<String> controlTokens) {
            int inside = -1;
            int across = end;
            for (String token : controlTokens) {
                int at = whole.lastIndexOf(token, end - 1);
                int tokenEnd = at + token.length();
                if (at >= textEnd && tokenEnd <= end) {
                    inside = Math.max(inside, tokenEnd);
                } else if (at >= textEnd) {
                    across = Math.max(across, tokenEnd);
                    int earlier = whole.lastIndexOf(token, end - token.length());
                    inside =
                            earlier >= textEnd
                                    ? Math.max(inside, earlier + token.length())
                                    : inside;
                }
            }
            return inside < 0 ? across : inside;
        }
    }

    /// The turn of a message: from behind its header to where the next one may begin.
    ///
    /// @throws DatasetException with the reason if it can't be told
    Turn turn(int index) {
        Span text = textOf(conversation, tail, whole, index);
        int before = index == 0 ? 0 : textOf(conversation, tail, whole, index - 1).end();
        if (before > text.start()) {
            throw new DatasetException("its text stands before that of the message before it");
        }
        return new Turn(start(index, before, text.start()), text.end(), end(index, text.end()));
    }

    /// The index one past the last character of a message's own text.
    ///
    /// @throws DatasetException with the reason if it can't be told
    int textEnd(int index) {
        return textOf(conversation, tail, whole, index).end();
    }

    private int start(int index, int before, int text) {
        List<Message> earlier = conversation.messages().subList(0, index);
        if (!earlier.isEmpty()) {
            String prompted = render(earlier, Tail.GENERATION_PROMPT);
            if (prompted.length() <= text && whole.startsWith(prompted)) {
                return prompted.length();
            }
        }
        // Many templates can't render nothing; the prompt behind the whole conversation is the
        // same.
        List<Message> prompts = earlier.isEmpty() ? conversation.messages() : earlier;
        String prompted = render(prompts, Tail.GENERATION_PROMPT);
        String complete = render(prompts, Tail.NOTHING);
        String header = prompted.substring(commonPrefix(prompted, 0, complete, 0));
        String form = header.substring(0, withoutReasoning(header));
        int at = form.isBlank() ? -1 : whole.lastIndexOf(form, text - form.length());
        if (at >= before) {
            return behindTags(at + form.length(), text, header.substring(form.length()));
        }
        boolean goesOn =
                !earlier.isEmpty() && (header.isBlank() || earlier.getLast().role().equals("tool"));
        int start = goesOn ? behindPrevious(index, before) : text + 1;
        if (start > text
                || !header.isBlank() && whole.substring(start, text).contains(form.strip())) {
            throw new DatasetException("it doesn't start like the template's generation prompt");
        }
        return start;
    }

    /// Where a turn without a header starts, as Mistral's templates have none, and Apertus' none
    /// behind the results of tools. That is where the message before has ended: behind what stands
    /// there where that one is the last.
    private int behindPrevious(int index, int before) {
        Conversation earlier = conversation.withMessages(conversation.messages().subList(0, index));
        String alone = template.render(earlier, Tail.NOTHING).text();
        int aloneEnd = textOf(earlier, Tail.NOTHING, alone, index - 1).end();
        int shared = commonPrefix(alone, aloneEnd, whole, before);
        if (shared == 0 && aloneEnd < alone.length()) {
            throw new DatasetException(
                    "the message before doesn't end as it does where it is the last one");
        }
        return before + shared;
    }

    /// Skips tags of reasoning that the generation prompt writes for the model, which never has to
    /// say them. A turn with other tags is one that the model begins itself.
    private int behindTags(int start, int text, String tags) {
        int behind = start + tags.length();
        return behind <= text && whole.startsWith(tags, start) ? behind : start;
    }

    /// Length of a generation prompt without the tags of reasoning at its end, which some prompts
    /// write for the model and which earlier turns may lack.
    private static int withoutReasoning(String prompt) {
        int tag = prompt.lastIndexOf("<think>");
        boolean last =
                tag >= 0
                        && prompt.substring(tag + "<think>".length())
                                .replace("</think>", "")
                                .isBlank();
        return last ? tag : prompt.length();
    }

    /// Behind the text stands what stands there when the message is the last one.
    private int end(int index, int text) {
        boolean last = index == conversation.messages().size() - 1;
        Conversation through =
                conversation.withMessages(conversation.messages().subList(0, index + 1));
        String alone =
                last && tail == Tail.NOTHING
                        ? whole
                        : template.render(through, Tail.NOTHING).text();
        int aloneEnd =
                last && tail == Tail.NOTHING
                        ? text
                        : textOf(through, Tail.NOTHING, alone, index).end();
        int shared = commonPrefix(alone, aloneEnd, whole, text);
        if (shared == 0 && aloneEnd < alone.length()) {
            throw new DatasetException("it doesn't end as it does where it is the last message");
        }
        return text + shared;
    }

    private String render(List<Message> messages, Tail end) {
        return messages.isEmpty() && end == Tail.NOTHING
                ? ""
                : template.render(conversation.withMessages(messages), end).text();
    }

    /// Where the texts of a message stand in `rendered`.
    private Span textOf(Conversation all, Tail end, String rendered, int index) {
        var messages = new ArrayList<>(all.messages());
        messages.set(index, changed(messages.get(index)));
        String other = template.render(all.withMessages(messages), end).text();
        int start = commonPrefix(rendered, 0, other, 0);
        if (start == rendered.length() && start == other.length()) {
            throw new DatasetException("the template shows nothing of it");
        }
        int most = Math.min(rendered.length(), other.length()) - start;
        int same = 0;
        while (same < most
                && rendered.charAt(rendered.length() - 1 - same)
                        == other.charAt(other.length() - 1 - same)) {
            same++;
        }
        String differing = other.substring(start, other.length() - same);
        int first = differing.indexOf(OTHER);
        int last = differing.lastIndexOf(OTHER) + OTHER.length();
        // Quotation marks and brackets of arguments may belong to the difference.
        if (first < 0
                || hasText(differing, 0, first)
                || hasText(differing, last, differing.length())) {
            throw new DatasetException("the template changes its text or others with it");
        }
        return new Span(start, rendered.length() - same);
    }

    private static boolean hasText(String text, int from, int to) {
        return text.substring(from, to).codePoints().anyMatch(Character::isLetterOrDigit);
    }

    private static Message changed(Message message) {
        var fields = new LinkedHashMap<>(message.fields());
        boolean others =
                fields.get("tool_calls") != null
                        || OpenMessage.REASONING.stream().anyMatch(fields::containsKey);
        // An empty answer stands somewhere too; beside other parts it would move them.
        fields.computeIfPresent(
                "content",
                (_, content) -> "".equals(content) && !others ? OTHER : changedTexts(content));
        OpenMessage.REASONING.forEach(
                name -> fields.computeIfPresent(name, (_, text) -> changedTexts(text)));
        if (fields.get("tool_calls") instanceof List<?> calls) {
            fields.put("tool_calls", calls.stream().map(DifferenceSearch::changedCall).toList());
        }
        return new Message(fields);
    }

    private static Object changedTexts(Object value) {
        return switch (value) {
            case String text -> text.isBlank() ? text : otherThan(text);
            case List<?> parts -> parts.stream().map(DifferenceSearch::changedPart).toList();
            default -> value;
        };
    }

    /// Reasoning in tags stays reasoning.
    private static String otherThan(String text) {
        Matcher reasoned = REASONED.matcher(text);
        return reasoned.matches() && !reasoned.group(2).isBlank()
                ? reasoned.group(1)
                        + OTHER
                        + reasoned.group(3)
                        + (reasoned.group(4).isBlank() ? "" : OTHER)
                : OTHER;
    }

    private static Object changedPart(Object part) {
        return part instanceof Map<?, ?> map ? replaced(map, "text", OTHER) : part;
    }

    private static Object changedCall(Object call) {
        if (call instanceof Map<?, ?> map && map.get("function") instanceof Map<?, ?> function) {
            return replaced(map, "function", changedCall(function));
        }
        if (!(call instanceof Map<?, ?> function)) {
            return call;
        }
        // The name may stand beside the answer too, as GPT-OSS writes it.
        Object arguments = function.get("arguments");
        if (arguments == null || Map.of().equals(arguments) || "{}".equals(arguments)) {
            return replaced(function, "name", OTHER);
        }
        return replaced(
                function,
                "arguments",
                arguments instanceof Map<?, ?> ? Map.of(OTHER, OTHER) : OTHER);
    }

    private static Map<Object, Object> replaced(Map<?, ?> map, String key, Object value) {
        var copy = new LinkedHashMap<Object, Object>(map);
        copy.computeIfPresent(key, (_, _) -> value);
        return copy;
    }

    private static int commonPrefix(String a, int fromA, String b, int fromB) {
        int most = Math.min(a.length() - fromA, b.length() - fromB);
        int same = 0;
        while (same < most && a.charAt(fromA + same) == b.charAt(fromB + same)) {
            same++;
        }
        return same;
    }
}
