package org.attune.text;

import org.attune.error.DatasetException;
import org.attune.jinja.PythonText;
import org.attune.text.ChatTemplate.Rendering;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// Renders a conversation up to the end of its last message's text. A marker is put behind that
/// text before rendering, and everything from the marker on is cut off afterwards.
final class OpenMessage {
    /// Fields that mean the same: what the assistant thought.
    static final List<String> REASONING = List.of("reasoning_content", "thinking", "reasoning");

    private static final String MARKER = "CONTINUE_FINAL_MESSAGE_TAG";

    /// Shows whether the template keeps white space at the end of a message.
    private static final String SPACED = MARKER + " ";

    private final Map<String, Object> message;
    private final String field;
    private final Function<String, DatasetException> refusal;
    private String text;

    /// @param message the last message's fields
    /// @param field   whose text stays open
    /// @param refusal makes an exception from a problem
    OpenMessage(
            Map<String, Object> message, String field, Function<String, DatasetException> refusal) {
        this.message = message;
        this.field = field;
        this.refusal = refusal;
    }

    /// The message with the marker.
    ///
    /// @param source the template
    /// @throws DatasetException if the template doesn't use the field, or the message has no text
    ///     in it
    Map<String, Object> marked(String source) {
        List<String> names = REASONING.contains(field) ? REASONING : List.of(field);
        if (!field.equals("content") && names.stream().noneMatch(source::contains)) {
            throw refusal.apply(
                    "the field \"" + field + "\" can't be continued: the template doesn't use it");
        }
        var marked = new LinkedHashMap<>(message);
        for (String name : names) {
            if (marked.containsKey(name)) {
                marked.put(name, marked(marked.get(name)));
            }
        }
        if (text == null) {
            throw refusal.apply("the last message has no text in \"" + field + "\" to continue");
        }
        return marked;
    }

    private Object marked(Object content) {
        if (content instanceof String string) {
            text = string;
            return string + SPACED;
        }
        if (!(content instanceof List<?> parts)) {
            return content;
        }
        var marked = new ArrayList<Object>(parts);
        for (int i = marked.size() - 1; i >= 0; i--) {
            if (marked.get(i) instanceof Map<?, ?> part && part.get("text") instanceof String s) {
                var copy = new LinkedHashMap<Object, Object>(part);
                copy.put("text", s + SPACED);
                marked.set(i, copy);
                text = s;
                return marked;
            }
        }
        return content;
    }

    /// The rendering up to the marker.
    ///
    /// @throws DatasetException if the template dropped the text or the marker
    Rendering cut(Rendering rendered) {
        String whole = rendered.text();
        int at = whole.lastIndexOf(MARKER);
        if (at < 0 || !whole.contains(PythonText.strip(text))) {
            throw refusal.apply(
                    "the last message can't be continued, since the template leaves its text out");
        }
        String kept = whole.substring(0, at);
        if (!whole.startsWith(SPACED, at)) {
            kept = PythonText.stripEnd(kept);
        }
        int length = kept.length();
        int[] start = Arrays.stream(rendered.start()).filter(s -> s < length).toArray();
        int[] end = Arrays.copyOf(rendered.end(), start.length);
        for (int i = 0; i < end.length; i++) {
            end[i] = Math.min(end[i], length);
        }
        return new Rendering(kept, start, end);
    }
}
