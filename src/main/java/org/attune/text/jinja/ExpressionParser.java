package org.attune.text.jinja;

import org.attune.text.jinja.Expression.ArgumentList;
import org.attune.text.jinja.Expression.Constant;
import org.attune.text.jinja.Expression.Keyword;
import org.attune.text.jinja.Token.Type;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Recursive descent over expressions, one method per level of precedence, with Jinja's
/// peculiarities: `is` and `|` bind closer than operators, `**` is left-associative.
final class ExpressionParser {
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

    private final TokenStream tokens;

    /// Whether a filter or test that doesn't exist is an error only when it is reached: Jinja lets
    /// it pass inside `if`.
    private boolean lenient;

    ExpressionParser(TokenStream tokens) {
        this.tokens = tokens;
    }

    /// Sets leniency and gives the old one.
    boolean lenient(boolean now) {
        boolean before = lenient;
        lenient = now;
        return before;
    }

    Expression expression() {
        Expression value = or();
        while (tokens.skipName("if")) {
            Expression test = or();
            Optional<Expression> otherwise =
                    tokens.skipName("else") ? Optional.of(expression()) : Optional.empty();
            value = new Expression.Conditional(test, value, otherwise);
        }
        return value;
    }

    /// An expression without a trailing `if`, or several separated by commas.
    Expression tupleWithoutCondition(String... endNames) {
        return tuple(false, false, endNames);
    }

    /// An expression, or several separated by commas.
    Expression tuple() {
        return tuple(true, false);
    }

    private Expression tuple(boolean conditions, boolean inParentheses, String... endNames) {
        var items = new ArrayList<Expression>();
        boolean several = false;
        while (true) {
            if (!items.isEmpty()) {
                tokens.expectOperator(",");
            }
            if (atTupleEnd(endNames)) {
                break;
            }
            items.add(conditions ? expression() : or());
            if (!tokens.current().isOperator(",")) {
                break;
            }
            several = true;
        }
        if (!several && !items.isEmpty()) {
            return items.getFirst();
        }
        if (!several && !inParentheses) {
            throw tokens.fail(
                    "Expected an expression, got " + Repr.of(tokens.current().described()));
        }
        return new Expression.TupleLiteral(items);
    }

    boolean atTupleEnd(String... endNames) {
        Token token = tokens.current();
        boolean end =
                token.is(Type.VARIABLE_END) || token.is(Type.BLOCK_END) || token.isOperator(")");
        for (String name : endNames) {
            end |= token.isName(name);
        }
        return end;
    }

    private Expression or() {
        Expression left = and();
        while (tokens.skipName("or")) {
            left = new Expression.Or(left, and());
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (tokens.skipName("and")) {
            left = new Expression.And(left, not());
        }
        return left;
    }

    private Expression not() {
        return tokens.skipName("not") ? new Expression.Not(not()) : comparison();
    }

    private Expression comparison() {
        Expression first = sum();
        var operators = new ArrayList<String>();
        var operands = new ArrayList<Expression>();
        while (true) {
            Token token = tokens.current();
            if (token.is(Type.OPERATOR) && COMPARISONS.contains(token.value())) {
                operators.add(tokens.next().value());
            } else if (tokens.skipName("in")) {
                operators.add("in");
            } else if (token.isName("not") && tokens.ahead().isName("in")) {
                tokens.next();
                tokens.next();
                operators.add("not in");
            } else {
                break;
            }
            operands.add(sum());
        }
        return operators.isEmpty() ? first : new Expression.Comparison(first, operators, operands);
    }

    private Expression sum() {
        Expression left = concat();
        while (tokens.current().isOperator("+") || tokens.current().isOperator("-")) {
            left = new Expression.Arithmetic(tokens.next().value(), left, concat());
        }
        return left;
    }

    private Expression concat() {
        var parts = new ArrayList<Expression>();
        parts.add(product());
        while (tokens.skipOperator("~")) {
            parts.add(product());
        }
        return parts.size() == 1 ? parts.getFirst() : new Expression.Concat(parts);
    }

    private Expression product() {
        Expression left = power();
        while (tokens.current().is(Type.OPERATOR)
                && Set.of("*", "/", "//", "%").contains(tokens.current().value())) {
            left = new Expression.Arithmetic(tokens.next().value(), left, power());
        }
        return left;
    }

    private Expression power() {
        Expression left = unary(true);
        while (tokens.skipOperator("**")) {
            left = new Expression.Arithmetic("**", left, unary(true));
        }
        return left;
    }

    private Expression unary(boolean filters) {
        Expression value;
        if (tokens.skipOperator("-")) {
            value = new Expression.Sign(true, unary(false));
        } else if (tokens.skipOperator("+")) {
            value = new Expression.Sign(false, unary(false));
        } else {
            value = primary();
        }
        value = postfix(value);
        return filters ? filters(value) : value;
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
        while (tokens.current().is(Type.STRING)) {
            text.append(tokens.next().value());
        }
        return new Constant(text.toString());
    }

    private static Object integer(Token token) {
        String digits = token.value().toLowerCase(java.util.Locale.ROOT);
        if (digits.length() > 4300) {
            throw JinjaException.syntax("integer with more than 4300 digits", token.line());
        }
        int radix =
                switch (digits.length() > 1 ? digits.charAt(1) : '0') {
                    case 'x' -> 16;
                    case 'o' -> 8;
                    case 'b' -> 2;
                    default -> 10;
                };
        return Numbers.normal(new BigInteger(radix == 10 ? digits : digits.substring(2), radix));
    }

    private Expression bracketed(Token token) {
        return switch (token.value()) {
            case "(" -> {
                Expression value = tuple(true, true);
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
            items.add(expression());
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
            keys.add(expression());
            tokens.expectOperator(":");
            values.add(expression());
        }
        tokens.expectOperator("}");
        return new Expression.DictLiteral(keys, values);
    }

    private Expression postfix(Expression start) {
        Expression value = start;
        while (tokens.current().is(Type.OPERATOR)) {
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

    private Expression filters(Expression start) {
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
            keys.add(expression());
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
                : Optional.of(expression());
    }

    ArgumentList arguments() {
        int line = tokens.expectOperator("(").line();
        var positional = new ArrayList<Expression>();
        var named = new ArrayList<Keyword>();
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
                byPlace = expression();
            } else if (tokens.skipOperator("**")) {
                requireOrder(byName == null, line);
                byName = expression();
            } else if (tokens.current().is(Type.NAME) && tokens.ahead().isOperator("=")) {
                requireOrder(byName == null, line);
                named.add(keyword(named));
            } else {
                requireOrder(byPlace == null && byName == null && named.isEmpty(), line);
                positional.add(expression());
            }
        }
        tokens.expectOperator(")");
        return new ArgumentList(
                positional, named, Optional.ofNullable(byPlace), Optional.ofNullable(byName));
    }

    private Keyword keyword(List<Keyword> before) {
        Token name = tokens.next();
        if (before.stream().anyMatch(keyword -> keyword.name().equals(name.value()))) {
            throw JinjaException.syntax("keyword argument repeated: " + name.value(), name.line());
        }
        tokens.next();
        return new Keyword(name.value(), expression());
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
        var name = new StringBuilder(tokens.expect(Type.NAME).value());
        while (tokens.skipOperator(".")) {
            name.append('.').append(tokens.expect(Type.NAME).value());
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
