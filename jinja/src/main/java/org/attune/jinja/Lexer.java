package org.attune.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Cuts a template into tokens, with `trim_blocks` (the line break after a block or comment goes)
/// and `lstrip_blocks` (white space between a line's start and a block or comment goes) on.
/// Comments are dropped, raw blocks become data.
final class Lexer {
    private final String source;
    private final List<Token> tokens = new ArrayList<>();

    /// Each name once, so that looking up a long one doesn't take reading it.
    private final Map<String, String> names = new HashMap<>();
    private int at;
    private int line = 1;

    /// Whether the text before `at` ends a line that the lexer has consumed.
    private boolean atLineStart = true;

    private Lexer(String source) {
        this.source = source;
    }

    /// What was read.
    ///
    /// @param tokens up to the end of the template, or up to the fault
    /// @param fault  what can't be a token. It counts only if a parser comes so far: Jinja cuts the
    ///     tokens out one by one.
    record Tokens(List<Token> tokens, Optional<JinjaException> fault) {}

    static Tokens tokens(String template) {
        String source = template.replace("\r\n", "\n").replace('\r', '\n');
        if (source.endsWith("\n")) {
            source = source.substring(0, source.length() - 1);
        }
        var lexer = new Lexer(source);
        Optional<JinjaException> fault = Optional.empty();
        try {
            lexer.run();
        } catch (JinjaException e) {
            fault = Optional.of(e);
        }
        lexer.tokens.add(new Token(Token.Type.END, "", lexer.line));
        return new Tokens(lexer.tokens, fault);
    }

    private void run() {
        while (at < source.length()) {
            int open = nextOpening();
            if (open < 0) {
                data(source.substring(at), source.length());
                break;
            }
            char kind = source.charAt(open + 1);
            boolean raw = kind == '%' && rawBegin(open) >= 0;
            openingData(open, kind);
            switch (kind) {
                case '#' -> comment();
                case '{' -> expression(Token.Type.VARIABLE_BEGIN, Token.Type.VARIABLE_END, "}}");
                default -> {
                    if (raw) {
                        raw();
                    } else {
                        expression(Token.Type.BLOCK_BEGIN, Token.Type.BLOCK_END, "%}");
                    }
                }
            }
        }
    }

    private int nextOpening() {
        for (int i = source.indexOf('{', at); i >= 0; i = source.indexOf('{', i + 1)) {
            if (i + 1 < source.length() && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
                return i;
            }
        }
        return -1;
    }

    /// Emits the data before an opening delimiter and steps over the delimiter and its sign.
    private void openingData(int open, char kind) {
        String text = source.substring(at, open);
        char sign = open + 2 < source.length() ? source.charAt(open + 2) : ' ';
        if (sign == '-') {
            text = Strings.stripEnd(text);
        } else if (sign != '+' && kind != '{') {
            text = withoutIndent(text);
        }
        data(text, open);
        advance(open + (sign == '-' || sign == '+' ? 3 : 2));
    }

    private String withoutIndent(String text) {
        int lineStart = text.lastIndexOf('\n') + 1;
        boolean blank = text.substring(lineStart).codePoints().allMatch(Strings::isSpace);
        return (lineStart > 0 || atLineStart) && blank ? text.substring(0, lineStart) : text;
    }

    /// Emits `text` (if there is any) and goes on at `end`.
    private void data(String text, int end) {
        if (!text.isEmpty()) {
            tokens.add(new Token(Token.Type.DATA, text, line));
        }
        advance(end);
    }

    private void comment() {
        int end = source.indexOf("#}", at);
        if (end < 0) {
            throw JinjaException.syntax("Missing end of comment tag", line);
        }
        boolean strip = end > at && source.charAt(end - 1) == '-';
        close(end + 2, strip, end > at && source.charAt(end - 1) == '+');
    }

    /// Goes on after a closing delimiter that ends at `end`.
    private void close(int end, boolean strip, boolean keepLineBreak) {
        int next = end;
        if (strip) {
            next = skipSpace(end);
        } else if (!keepLineBreak && end < source.length() && source.charAt(end) == '\n') {
            next = end + 1;
        }
        advance(next);
    }

    private int skipSpace(int from) {
        int i = from;
        while (i < source.length() && Strings.isSpace(source.codePointAt(i))) {
            i += Character.charCount(source.codePointAt(i));
        }
        return i;
    }

    private void advance(int to) {
        for (int i = at; i < to; i++) {
            line += source.charAt(i) == '\n' ? 1 : 0;
        }
        if (to > at) {
            atLineStart = source.charAt(to - 1) == '\n';
        }
        at = to;
    }

    /// Where the content of the raw block that opens at `open` starts, or -1 if none does.
    private int rawBegin(int open) {
        int i = tag(open, "raw");
        if (i < 0) {
            return -1;
        }
        if (source.startsWith("-%}", i)) {
            return skipSpace(i + 3);
        }
        return source.startsWith("%}", i) ? i + 2 : -1;
    }

    /// The position after `{%`, a sign, `name` and white space; -1 if something else stands there.
    private int tag(int open, String name) {
        int i = open + 2;
        if (i < source.length() && (source.charAt(i) == '-' || source.charAt(i) == '+')) {
            i++;
        }
        i = skipSpace(i);
        return source.startsWith(name, i) ? skipSpace(i + name.length()) : -1;
    }

    private void raw() {
        int open = at;
        while (source.charAt(open) != '{' || source.charAt(open + 1) != '%') {
            open--;
        }
        advance(rawBegin(open));
        for (int end = source.indexOf("{%", at); end >= 0; end = source.indexOf("{%", end + 1)) {
            int i = tag(end, "endraw");
            if (i < 0) {
                continue;
            }
            boolean signed = i < source.length() && "-+".indexOf(source.charAt(i)) >= 0;
            int close = signed ? i + 1 : i;
            if (source.startsWith("%}", close)) {
                openingData(end, '%');
                boolean strip = source.charAt(i) == '-';
                close(close + 2, strip, source.charAt(i) == '+');
                return;
            }
        }
        throw JinjaException.syntax("Missing end of raw directive", line);
    }

    private void expression(Token.Type begin, Token.Type end, String delimiter) {
        tokens.add(new Token(begin, "", line));
        Deque<Character> open = new ArrayDeque<>();
        while (at < source.length()) {
            if (open.isEmpty() && closes(end, delimiter)) {
                return;
            }
            int space = skipSpace(at);
            if (space > at) {
                advance(space);
                continue;
            }
            token(open);
        }
    }

    private boolean closes(Token.Type end, String delimiter) {
        boolean block = end == Token.Type.BLOCK_END;
        char sign = source.charAt(at);
        boolean signed = sign == '-' || block && sign == '+';
        int from = signed ? at + 1 : at;
        if (!source.startsWith(delimiter, from)) {
            return false;
        }
        tokens.add(new Token(end, "", line));
        close(from + 2, sign == '-', sign == '+' || !block);
        return true;
    }

    private void token(Deque<Character> open) {
        char c = source.charAt(at);
        var scan = new TokenScan(source, at);
        if (scan.isNumber() || scan.isString() || scan.isName()) {
            add(scan);
            return;
        }
        if (!scan.isOperator()) {
            String shown = Repr.of(Character.toString(source.codePointAt(at)));
            int position = source.codePointCount(0, at);
            throw JinjaException.syntax("unexpected char " + shown + " at " + position, line);
        }
        if (c == '{' || c == '(' || c == '[') {
            open.push(c == '(' ? ')' : (char) (c + 2));
        } else if (c == '}' || c == ')' || c == ']') {
            requireOpen(open, c);
        }
        add(scan);
    }

    private void requireOpen(Deque<Character> open, char c) {
        String got = Repr.of(String.valueOf(c));
        if (open.isEmpty()) {
            throw JinjaException.syntax("unexpected " + got, line);
        }
        char expected = open.pop();
        if (expected != c) {
            throw JinjaException.syntax(
                    "unexpected " + got + ", expected " + Repr.of(String.valueOf(expected)), line);
        }
    }

    private void add(TokenScan scan) {
        int end = scan.end();
        Token token = scan.token(line);
        if (token.is(Token.Type.NAME)) {
            String name = names.computeIfAbsent(token.value(), same -> same);
            token = new Token(Token.Type.NAME, name, line);
        }
        tokens.add(token);
        advance(end);
    }
}
