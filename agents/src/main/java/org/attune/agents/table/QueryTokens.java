package org.attune.agents.table;

import org.attune.error.Excerpt;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The words of a query, taken one after the other.
final class QueryTokens {
    private static final Pattern TOKEN =
            Pattern.compile(
                    "\\s*(?:(?<number>-?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?)|(?<text>'(?:[^']|'')*')|(?<quoted>\"[^\"]*\"|`[^`]*`|\\[[^\\]]*\\])|(?<word>[\\p{L}_][\\p{L}\\p{N}_]*)|(?<sign><=|>=|<>|!=|==|[=<>(),*;]))");

    /// @param kind `number`, `text`, `quoted`, `word` or `sign`
    /// @param text without quotes
    record Token(String kind, String text) {
        boolean is(String word) {
            return (kind.equals("word") || kind.equals("sign")) && text.equalsIgnoreCase(word);
        }
    }

    private final List<Token> tokens = new ArrayList<>();
    private int at;

    QueryTokens(String query) {
        Matcher matcher = TOKEN.matcher(query.strip());
        int end = 0;
        while (matcher.find() && matcher.start() == end) {
            end = matcher.end();
            tokens.add(token(matcher));
        }
        if (end < query.strip().length()) {
            throw new IllegalArgumentException(
                    "the query can't be read from \"%s\" on"
                            .formatted(Excerpt.of(query.strip().substring(end).strip())));
        }
        while (!tokens.isEmpty() && tokens.getLast().is(";")) {
            tokens.removeLast();
        }
    }

    private static Token token(Matcher matcher) {
        for (String kind : List.of("number", "word", "sign")) {
            if (matcher.group(kind) != null) {
                return new Token(kind, matcher.group(kind));
            }
        }
        String text = matcher.group("text");
        if (text != null) {
            return new Token("text", text.substring(1, text.length() - 1).replace("''", "'"));
        }
        String quoted = matcher.group("quoted");
        return new Token("quoted", quoted.substring(1, quoted.length() - 1));
    }

    Optional<Token> peek() {
        return at < tokens.size() ? Optional.of(tokens.get(at)) : Optional.empty();
    }

    /// The next token, which there must be.
    Token next(String expected) {
        Token token = peek().orElseThrow(() -> missing(expected));
        at++;
        return token;
    }

    /// Steps over these words if they follow.
    boolean skip(String... words) {
        for (int i = 0; i < words.length; i++) {
            if (at + i >= tokens.size() || !tokens.get(at + i).is(words[i])) {
                return false;
            }
        }
        at += words.length;
        return true;
    }

    void require(String word) {
        if (!skip(word)) {
            throw missing(word);
        }
    }

    IllegalArgumentException missing(String expected) {
        return new IllegalArgumentException(
                peek().map(t -> "expected %s, got \"%s\"".formatted(expected, Excerpt.of(t.text())))
                        .orElse("expected %s, and the query ends".formatted(expected)));
    }
}
