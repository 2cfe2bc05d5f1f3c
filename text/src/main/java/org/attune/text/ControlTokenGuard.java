package org.attune.text;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Keeps control tokens that users write (`<|im_end|>` in a message) from becoming real ones. They
/// are wrapped in two characters that no text holds, and after rendering the wrapped ones are
/// encoded as ordinary text. If a template takes a wrapped one apart (it splits at `</think>`), the
/// pieces are encoded as they stand.
final class ControlTokenGuard {
    /// Unicode noncharacters: free for internal use, never in text that is interchanged.
    private static final char OPEN = '\ufdd0';

    private static final char CLOSE = '\ufdd1';

    /// White space; SentencePiece writes a blank as `▁`.
    private static final Pattern SPACE = Pattern.compile("[\\s▁]*");

    private final Pattern controlToken;
    private final Predicate<String> roles;

    /// @param controlTokens their texts; those of nothing but white space, as Gemma and Phi have
    ///     for line breaks and indentation, are text like any other
    ControlTokenGuard(List<String> controlTokens) {
        this(controlTokens, _ -> true);
    }

    /// @param roles whose messages are wrapped
    ControlTokenGuard(List<String> controlTokens, Predicate<String> roles) {
        this.roles = roles;
        List<String> longestFirst =
                control(controlTokens).stream()
                        .sorted(Comparator.comparingInt(String::length).reversed())
                        .map(Pattern::quote)
                        .toList();
        this.controlToken = Pattern.compile(String.join("|", longestFirst));
    }

    /// Selects the added tokens that aren't white space.
    static List<String> control(List<String> addedTokens) {
        return addedTokens.stream().filter(token -> !SPACE.matcher(token).matches()).toList();
    }

    /// The conversation with every control token in its messages and tools wrapped; roles stay as
    /// they are.
    Conversation wrap(Conversation conversation) {
        if (controlToken.pattern().isEmpty()) {
            return conversation;
        }
        var messages = new ArrayList<Message>();
        for (Message message : conversation.messages()) {
            if (!roles.test(message.role())) {
                messages.add(message);
                continue;
            }
            var fields = new LinkedHashMap<String, Object>();
            message.fields()
                    .forEach(
                            (key, value) ->
                                    fields.put(key, key.equals("role") ? value : wrap(value)));
            messages.add(new Message(fields));
        }
        var tools = new ArrayList<Object>();
        conversation.tools().forEach(tool -> tools.add(wrap(tool)));
        return new Conversation(messages, tools, conversation.variables());
    }

    private Object wrap(Object value) {
        return switch (value) {
            case String text -> wrap(text);
            case List<?> list -> {
                var items = new ArrayList<Object>();
                list.forEach(item -> items.add(wrap(item)));
                yield items;
            }
            case Map<?, ?> map -> {
                var entries = new LinkedHashMap<Object, Object>();
                map.forEach((key, item) -> entries.put(key, wrap(item)));
                yield entries;
            }
            case null, default -> value;
        };
    }

    private String wrap(String text) {
        Matcher matcher = controlToken.matcher(text);
        return matcher.replaceAll(match -> OPEN + Matcher.quoteReplacement(match.group()) + CLOSE);
    }

    /// A piece of a rendered text.
    ///
    /// @param text   without wrapping characters
    /// @param start  where it starts in the rendered text
    /// @param asText whether a control token in it is ordinary text
    record Piece(String text, int start, boolean asText) {}

    /// Cuts a rendered text at the wrapping characters.
    List<Piece> pieces(String rendered) {
        var pieces = new ArrayList<Piece>();
        int from = 0;
        for (int i = 0; i <= rendered.length(); i++) {
            boolean cut = i == rendered.length() || isWrapping(rendered.charAt(i));
            if (cut && i > from) {
                String text = rendered.substring(from, i);
                boolean wrapped =
                        from > 0
                                && rendered.charAt(from - 1) == OPEN
                                && i < rendered.length()
                                && rendered.charAt(i) == CLOSE
                                && controlToken.matcher(text).matches();
                pieces.add(new Piece(text, from, wrapped));
            }
            from = cut ? i + 1 : from;
        }
        return pieces;
    }

    private static boolean isWrapping(char c) {
        return c == OPEN || c == CLOSE;
    }
}
