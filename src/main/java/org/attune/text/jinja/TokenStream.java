package org.attune.text.jinja;

import java.util.List;

/// Tokens with a reading position. Messages are those of Jinja.
final class TokenStream {
    private final List<Token> tokens;
    private int at;

    TokenStream(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token current() {
        return tokens.get(at);
    }

    Token ahead() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    /// The current token; goes on to the next.
    Token next() {
        Token token = current();
        if (at < tokens.size() - 1) {
            at++;
        }
        return token;
    }

    int line() {
        return current().line();
    }

    /// Position for [#usesName].
    int position() {
        return at;
    }

    /// Whether a name stands between two positions.
    boolean usesName(String name, int from, int to) {
        return tokens.subList(from, to).stream().anyMatch(token -> token.isName(name));
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
