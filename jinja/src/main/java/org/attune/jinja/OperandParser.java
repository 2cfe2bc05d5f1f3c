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

    /// Filters and tests that don't exist, in the order in which Jinja looks for them: after all
    /// of the template is read, the last filter of a chain before the others.
    private final List<JinjaException> missing = new ArrayList<>();

    /// How many names are missing up to here.
    int missing() {
        return missing.size();
    }

    /// Takes out what is missing since [#missing] was so many.
    List<JinjaException> takeMissing(int since) {
        List<JinjaException> newer = missing.subList(since, missing.size());
        var taken = List.copyOf(newer);
        newer.clear();
        return taken;
    }

    void addMissing(List<JinjaException> more) {
        missing.addAll(more);
    }

    /// @throws JinjaException for the first name that is missing
    void requireNames() {
        if (!missing.isEmpty()) {
            throw missing.getFirst();
        }
    }

    private void requireThere(boolean there, String what, String name, int line, int since) {
        if (!there && !lenient) {
            String problem = "No " + what + " named " + Repr.of(name) + ".";
            missing.subList(since, missing.size()).clear(); // which this one comes before
            missing.add(JinjaException.syntax(problem, line));
        }
    }

    /// Sets leniency and gives the old one.
    boolean lenient(boolean now) {
        boolean before = lenient;
        lenient = now;
        return before;
    }

    Expression primary() {
        Token token = tokens.current();
        boolean starts =
                switch (token.type()) {
                    case NAME, STRING, INTEGER, FLOAT -> true;
                    case OPERATOR -> Set.of("(", "[", "{").contains(token.value());
                    default -> false;
                };
        if (!starts) {
            throw JinjaException.syntax("unexpected " + Repr.of(token.described()), token.line());
        }
        tokens.next();
        return switch (token.type()) {
            case NAME -> name(token.value());
            case STRING -> string(token);
            case INTEGER -> new Constant(integer(token));
            case FLOAT -> new Constant(Double.valueOf(token.value()));
            default -> bracketed(token);
        };
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
            default -> dict();
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
    ///
    /// @param since what was [#missing] before the operand
    Expression filters(Expression start, int since) {
        Expression value = start;
        while (true) {
            if (tokens.skipOperator("|")) {
                value = filter(Optional.of(value), since);
            } else if (tokens.skipName("is")) {
                value = test(value, since);
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
        int line = tokens.next().line();
        var keys = new ArrayList<Expression>();
        boolean slices = false;
        while (!tokens.current().isOperator("]")) {
            if (!keys.isEmpty()) {
                tokens.expectOperator(",");
            }
            Key key = key(owner);
            slices |= key.isSlice();
            keys.add(key.expression());
        }
        tokens.expectOperator("]");
        if (slices && keys.size() > 1) {
            throw JinjaException.syntax("invalid syntax", line);
        }
        if (slices) {
            return keys.getFirst();
        }
        return new Expression.Item(
                owner, keys.size() == 1 ? keys.getFirst() : new Expression.TupleLiteral(keys));
    }

    /// What stands between brackets.
    ///
    /// @param isSlice whether the expression is a slice of the owner; a key may be a slice, too, of
    ///     something else
    private record Key(Expression expression, boolean isSlice) {}

    private Key key(Expression owner) {
        Optional<Expression> start = Optional.empty();
        if (!tokens.current().isOperator(":")) {
            Expression key = expressions.expression();
            if (!tokens.current().isOperator(":")) {
                return new Key(key, false);
            }
            start = Optional.of(key);
        }
        tokens.expectOperator(":");
        Optional<Expression> stop = tokens.current().isOperator(":") ? Optional.empty() : bound();
        Optional<Expression> step = tokens.skipOperator(":") ? bound() : Optional.empty();
        return new Key(new Expression.Slice(owner, start, stop, step), true);
    }

    private Optional<Expression> bound() {
        Token token = tokens.current();
        return token.isOperator(",") || token.isOperator("]")
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
        if (first) {
            return ArgumentList.NONE;
        }
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

    /// The next filter; its `|` has been read.
    ///
    /// @param since what was [#missing] before the first of the chain
    Expression filter(Optional<Expression> input, int since) {
        Token token = tokens.current();
        String name = dottedName();
        requireThere(Filters.exists(name), "filter", name, token.line(), since);
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

    private Expression test(Expression input, int since) {
        boolean negated = tokens.skipName("not");
        Token token = tokens.current();
        String name = dottedName();
        requireThere(Tests.exists(name), "test", name, token.line(), since);
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
