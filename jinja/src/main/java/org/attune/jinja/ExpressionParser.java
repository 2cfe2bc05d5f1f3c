package org.attune.jinja;

import java.util.ArrayList;
import java.util.Optional;
import java.util.Set;

/// Recursive descent over expressions, one method per level of precedence, with Jinja's
/// peculiarities: `is` and `|` bind closer than operators, `**` is left-associative.
final class ExpressionParser {
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

    private final TokenStream tokens;
    private final OperandParser operands;

    ExpressionParser(TokenStream tokens) {
        this.tokens = tokens;
        this.operands = new OperandParser(tokens, this);
    }

    /// The parser of what stands between operators.
    OperandParser operands() {
        return operands;
    }

    Expression expression() {
        int missing = operands.missing();
        int line = tokens.line();
        Expression value = or();
        while (tokens.skipName("if")) {
            operands.takeMissing(missing); // errors only where they are reached
            boolean before = operands.lenient(true);
            Expression test = or();
            Optional<Expression> otherwise =
                    tokens.skipName("else") ? Optional.of(expression()) : Optional.empty();
            operands.lenient(before);
            value = new Expression.Conditional(test, value, otherwise, line);
            line = tokens.line();
        }
        return value;
    }

    /// An expression without a trailing `if`, or several separated by commas.
    Expression tupleWithoutCondition() {
        return tuple(false, false);
    }

    /// An expression, or several separated by commas.
    Expression tuple() {
        return tuple(true, false);
    }

    /// Nothing or anything that may stand in parentheses.
    Expression tupleInParentheses() {
        return tuple(true, true);
    }

    private Expression tuple(boolean conditions, boolean inParentheses) {
        var items = new ArrayList<Expression>();
        boolean several = false;
        while (true) {
            if (!items.isEmpty()) {
                tokens.expectOperator(",");
            }
            if (atTupleEnd()) {
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

    boolean atTupleEnd() {
        Token token = tokens.current();
        return token.is(Token.Type.VARIABLE_END)
                || token.is(Token.Type.BLOCK_END)
                || token.isOperator(")");
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
            if (token.is(Token.Type.OPERATOR) && COMPARISONS.contains(token.value())) {
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
        while (tokens.current().is(Token.Type.OPERATOR)
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
        int missing = operands.missing();
        Expression value;
        if (tokens.skipOperator("-")) {
            value = new Expression.Sign(true, unary(false));
        } else if (tokens.skipOperator("+")) {
            value = new Expression.Sign(false, unary(false));
        } else {
            value = operands.primary();
        }
        value = operands.postfix(value);
        return filters ? operands.filters(value, missing) : value;
    }
}
