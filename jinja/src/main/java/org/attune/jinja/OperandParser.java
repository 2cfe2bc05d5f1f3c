package org.attune.jinja;

import org.attune.jinja.Expression.ArgumentList;
import org.attune.jinja.Expression.Constant;
import org.attune.jinja.Expression.Keyword;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// Recursive descent over what stands between operators: names, literals and brackets, and what
/// follows them directly (attributes, indexes, calls, filters, tests).
final class OperandParser {
    private final TokenStream tokens;
    private final ExpressionParser expressions;

    /// Whether a filter or test that doesn't exist is an error only when it is reached: Jinja lets
    /// it pass inside `if`.
    private boolean lenient;

    OperandParser(TokenStream tokens, ExpressionParser expressions) {
        this.tokens = tokens;
        this.expressions = expressions;
    }

    /// Sets leniency and gives the old one.
    boolean lenient(boolean now) {
        boolean before = lenient;
        lenient = now;
        return before;
    }

    Expression primary() {
        Token token = tokens.next();
        return switch (token.type()) {
            case NAME -> name(token.value());
            case STRING -> string(token);
            case INTEGER -> new Constant(integer(token));
            case FLOAT -> new Constant(Double.valueOf(token.value()));
            case OPERATOR -> bracketed(token);
            default -> throw unexpected(token);
        };
    }

    private static JinjaException unexpected(Token token) {
        return JinjaException.syntax("unexpected " + Repr.of(token.described()), token.line());
    }

    private static Expression name(String name) {
        return switch (name) {
            case "true", "True" -> new Constant(true);
            case "false", "False" -> new Constant(false);
            case "none", "None" -> new Constant(null);
            default -> new Expression.Name(name);
        };
    }

    private Expression string(Token first) {
        var text = new StringBuilder(first.value());
        while (tokens.current().is(Token.Type.STRING)) {
            text.append(tokens.next().value());
        }
        return new Constant(text.toString());
    }

    private static Object integer(Token token) {
        String digits = token.value().toLowerCase(Locale.ROOT);
        if (digits.length() > Limits.INTEGER_DIGITS) {
            throw JinjaException.syntax(
                    "integer with more than " + Limits.INTEGER_DIGITS + " digits", token.line());
        }
        int radix =
                switch (digits.length() > 1 ? digits.charAt(1) : '0') {
                    case 'x' -> 16;
                    case 'o' -> 8;
                    case 'b' -> 2;
                    default -> 10;
                };
        return JinjaNumbers.normal(
                new BigInteger(radix == 10 ? digits : digits.substring(2), radix));
    }

    private Expression bracketed(Token token) {
        return switch (token.value()) {
            case "(" -> {
                Expression value = expressions.tupleInParentheses();
                tokens.expectOperator(")");
                yield value;
            }
            case "[" -> list();
            case "{" -> dict();
            default -> throw unexpected(token);
        };
    }

    private Expression list() {
        var items = new ArrayList<Expression>();
        while (!tokens.current().isOperator("]")) {
            if (!items.isEmpty()) {
                tokens.expectOperator(",");
            }
            if (tokens.current().isOperator("]")) {
                break;
            }
            items.add(expressions.expression());
        }
        tokens.expectOperator("]");
        return new Expression.ListLiteral(items);
    }

    private Expression dict() {
        var keys = new ArrayList<Expression>();
        var values = new ArrayList<Expression>();
        while (!tokens.current().isOperator("}")) {
            if (!keys.isEmpty()) {
                tokens.expectOperator(",");
            }
            if (tokens.current().isOperator("}")) {
                break;
            }
            keys.add(expressions.expression());
            tokens.expectOperator(":");
            values.add(expressions.expression());
        }
        tokens.expectOperator("}");
        return new Expression.DictLiteral(keys, values);
    }

    Expression postfix(Expression start) {
        Expression value = start;
        while (tokens.current().is(Token.Type.OPERATOR)) {
            switch (tokens.current().value()) {
                case "." -> value = attribute(value);
                case "[" -> value = subscript(value);
                case "(" -> value = new Expression.Call(value, arguments());
                default -> {
                    return value;
                }
            }
        }
        return value;
    }

    /// The operand with the filters, tests and calls that follow it.
    Expression filters(Expression start) {
        Expression value = start;
        while (true) {
            if (tokens.skipOperator("|")) {
                value = filter(Optional.of(value));
            } else if (tokens.skipName("is")) {
                value = test(value);
            } else if (tokens.current().isOperator("(")) {
                value = new Expression.Call(value, arguments());
            } else {
                return value;
            }
        }
    }

    private Expression attribute(Expression owner) {
        tokens.next();
        Token token = tokens.next();
        return switch (token.type()) {
            case NAME -> new Expression.Attribute(owner, token.value());
            case INTEGER -> new Expression.Item(owner, new Constant(integer(token)));
            default -> throw JinjaException.syntax("expected name or number", token.line());
        };
    }

    private Expression subscript(Expression owner) {
        tokens.next();
        if (tokens.current().isOperator(":")) {
            return slice(owner, Optional.empty());
        }
        var keys = new ArrayList<Expression>();
        while (!tokens.current().isOperator("]")) {
            if (!keys.isEmpty()) {
                tokens.expectOperator(",");
            }
            keys.add(expressions.expression());
            if (keys.size() == 1 && tokens.current().isOperator(":")) {
                return slice(owner, Optional.of(keys.getFirst()));
            }
        }
        tokens.expectOperator("]");
        return new Expression.Item(
                owner, keys.size() == 1 ? keys.getFirst() : new Expression.TupleLiteral(keys));
    }

    private Expression slice(Expression owner, Optional<Expression> start) {
        tokens.expectOperator(":");
        Optional<Expression> stop = bound();
        Optional<Expression> step = tokens.skipOperator(":") ? bound() : Optional.empty();
        tokens.expectOperator("]");
        return new Expression.Slice(owner, start, stop, step);
    }

    private Optional<Expression> bound() {
        Token token = tokens.current();
        return token.isOperator(":") || token.isOperator("]")
                ? Optional.empty()
                : Optional.of(expressions.expression());
    }

    ArgumentList arguments() {
        int line = tokens.expectOperator("(").line();
        var positional = new ArrayList<Expression>();
        var named = new ArrayList<Keyword>();
        var names = new HashSet<String>();
        Expression byPlace = null;
        Expression byName = null;
        boolean first = true;
        while (!tokens.current().isOperator(")")) {
            if (!first) {
                tokens.expectOperator(",");
                if (tokens.current().isOperator(")")) {
                    break;
                }
            }
            first = false;
            if (tokens.skipOperator("*")) {
                requireOrder(byPlace == null && byName == null, line);
                byPlace = expressions.expression();
            } else if (tokens.skipOperator("**")) {
                requireOrder(byName == null, line);
                byName = expressions.expression();
            } else if (tokens.current().is(Token.Type.NAME) && tokens.ahead().isOperator("=")) {
                requireOrder(byName == null, line);
                named.add(keyword(names));
            } else {
                requireOrder(byPlace == null && byName == null && named.isEmpty(), line);
                positional.add(expressions.expression());
            }
        }
        tokens.expectOperator(")");
        return new ArgumentList(
                positional, named, Optional.ofNullable(byPlace), Optional.ofNullable(byName));
    }

    private Keyword keyword(Set<String> before) {
        Token name = tokens.next();
        if (!before.add(name.value())) {
            throw JinjaException.syntax("keyword argument repeated: " + name.value(), name.line());
        }
        tokens.next();
        return new Keyword(name.value(), expressions.expression());
    }

    private static void requireOrder(boolean inOrder, int line) {
        if (!inOrder) {
            throw JinjaException.syntax("invalid syntax for function call expression", line);
        }
    }

    /// The filters from here on, each after the other; the first `|` has been read.
    Expression filter(Optional<Expression> input) {
        Token token = tokens.current();
        String name = dottedName();
        if (!lenient && !Filters.exists(name)) {
            throw JinjaException.syntax("No filter named " + Repr.of(name) + ".", token.line());
        }
        ArgumentList arguments = tokens.current().isOperator("(") ? arguments() : ArgumentList.NONE;
        return new Expression.Filter(input, name, arguments);
    }

    private String dottedName() {
        var name = new StringBuilder(tokens.expect(Token.Type.NAME).value());
        while (tokens.skipOperator(".")) {
            name.append('.').append(tokens.expect(Token.Type.NAME).value());
        }
        return name.toString();
    }

    private Expression test(Expression input) {
        boolean negated = tokens.skipName("not");
        Token token = tokens.current();
        String name = dottedName();
        if (!lenient && !Tests.exists(name)) {
            throw JinjaException.syntax("No test named " + Repr.of(name) + ".", token.line());
        }
        ArgumentList arguments = ArgumentList.NONE;
        if (tokens.current().isOperator("(")) {
            arguments = arguments();
        } else if (startsArgument(tokens.current())) {
            if (tokens.current().isName("is")) {
                throw tokens.fail("You cannot chain multiple tests with is");
            }
            Expression argument = postfix(primary());
            arguments =
                    new ArgumentList(
                            List.of(argument), List.of(), Optional.empty(), Optional.empty());
        }
        Expression test = new Expression.Test(input, name, arguments);
        return negated ? new Expression.Not(test) : test;
    }

    private static boolean startsArgument(Token token) {
        return switch (token.type()) {
            case NAME -> !Set.of("else", "or", "and").contains(token.value());
            case STRING, INTEGER, FLOAT -> true;
            case OPERATOR -> token.value().equals("[") || token.value().equals("{");
            default -> false;
        };
    }
}
