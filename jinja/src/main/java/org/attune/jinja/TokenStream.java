package org.attune.jinja;

import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// Tokens with a reading position. Messages are those of Jinja.
final class TokenStream {
    /// What a macro has without declaring it, if its body names it.
    private static final Set<String> IMPLIED = Set.of("varargs", "kwargs", "caller");

    private static final NavigableSet<Integer> NONE = Collections.emptyNavigableSet();

    private final List<Token> tokens;

    /// Thrown when the last token is reached.
    private final Optional<JinjaException> fault;

    /// Where the implied names stand, so that a macro inside macros isn't read once for each.
    private final Map<String, NavigableSet<Integer>> places = new HashMap<>();

    private int at;

    TokenStream(Lexer.Tokens read) {
        this.tokens = read.tokens();
        this.fault = read.fault();
        for (int i = 0; i < tokens.size(); i++) {
            if (tokens.get(i).is(Token.Type.NAME) && IMPLIED.contains(tokens.get(i).value())) {
                places.computeIfAbsent(tokens.get(i).value(), _ -> new TreeSet<>()).add(i);
            }
        }
        requireToken(0);
    }

    Token current() {
        return tokens.get(at);
    }

    Token ahead() {
        int next = Math.min(at + 1, tokens.size() - 1);
        requireToken(next);
        return tokens.get(next);
    }

    private void requireToken(int index) {
        if (index == tokens.size() - 1 && fault.isPresent()) {
            throw fault.get();
        }
    }

    /// The current token; goes on to the next.
    Token next() {
        Token token = current();
        if (at < tokens.size() - 1) {
            at++;
        }
        requireToken(at);
        return token;
    }

    int line() {
        return current().line();
    }

    /// Position for [#usesName].
    int position() {
        return at;
    }

    /// Whether `varargs`, `kwargs` or `caller` stands between two positions.
    boolean usesName(String name, int from, int to) {
        Integer first = places.getOrDefault(name, NONE).ceiling(from);
        return first != null && first < to;
    }

    boolean skipName(String name) {
        return skip(current().isName(name));
    }

    boolean skipOperator(String operator) {
        return skip(current().isOperator(operator));
    }

    private boolean skip(boolean there) {
        if (there) {
            next();
        }
        return there;
    }

    Token expect(Token.Type type) {
        return expect(current().is(type), Token.described(type));
    }

    Token expectName(String name) {
        return expect(current().isName(name), name);
    }

    Token expectOperator(String operator) {
        return expect(current().isOperator(operator), operator);
    }

    private Token expect(boolean there, String expected) {
        if (there) {
            return next();
        }
        if (current().is(Token.Type.END)) {
            throw fail("unexpected end of template, expected " + Repr.of(expected) + ".");
        }
        throw fail(
                "expected token " + Repr.of(expected) + ", got " + Repr.of(current().described()));
    }

    JinjaException fail(String problem) {
        return JinjaException.syntax(problem, line());
    }
}
