package org.attune.jinja;

import org.attune.jinja.Expression.ArgumentList;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Gives expressions their values.
final class Evaluator {
    /// Scopes that are looked through in the time of one step.
    private static final int SCOPES_PER_STEP = 4;

    private final Budget budget;
    private boolean folding;

    Evaluator(Budget budget) {
        this.budget = budget;
    }

    Object evaluate(Expression expression, Scope scope) {
        budget.step();
        return switch (expression) {
            case Expression.Constant(Object value) -> value;
            case Expression.Name(String name) -> {
                budget.spend(scope.depth() / SCOPES_PER_STEP);
                yield scope.get(name);
            }
            case Expression.ListLiteral(List<Expression> items) -> all(items, scope);
            case Expression.TupleLiteral(List<Expression> items) -> new Tuple(all(items, scope));
            case Expression.DictLiteral dict -> dict(dict, scope);
            case Expression.Not(Expression operand) -> !truth(operand, scope);
            case Expression.Sign sign -> sign(sign, scope);
            case Expression.Arithmetic(String operator, Expression left, Expression right) ->
                    JinjaOperators.arithmetic(
                            operator, evaluate(left, scope), evaluate(right, scope));
            case Expression.And(Expression left, Expression right) -> {
                Object value = evaluate(left, scope);
                yield Types.truth(value) ? evaluate(right, scope) : value;
            }
            case Expression.Or(Expression left, Expression right) -> {
                Object value = evaluate(left, scope);
                yield Types.truth(value) ? value : evaluate(right, scope);
            }
            case Expression.Concat(List<Expression> parts) -> concat(parts, scope);
            case Expression.Comparison comparison -> comparison(comparison, scope);
            case Expression.Conditional conditional -> conditional(conditional, scope);
            case Expression.Attribute(Expression owner, String name) ->
                    Attributes.attribute(evaluate(owner, scope), name);
            case Expression.Item(Expression owner, Expression key) ->
                    item(evaluate(owner, scope), evaluate(key, scope));
            case Expression.Slice slice -> slice(slice, scope);
            case Expression.Call(Expression callee, ArgumentList arguments) ->
                    call(evaluate(callee, scope), arguments(arguments, scope));
            case Expression.Filter filter ->
                    filter(filter, filter.input().map(input -> evaluate(input, scope)), scope);
            case Expression.Test(Expression input, String name, ArgumentList arguments) -> {
                Object value = evaluate(input, scope);
                budget.call();
                yield Tests.apply(name, arguments(arguments, scope).after(value));
            }
        };
    }

    /// The value that Jinja finds for a constant expression with slices before it renders: there a
    /// slice that can't be taken is undefined. If that fails, the error is the one of rendering.
    Object folded(Expression expression, Scope scope) {
        folding = true;
        try {
            return evaluate(expression, scope);
        } catch (JinjaException e) {
            folding = false;
            return evaluate(expression, scope);
        } finally {
            folding = false;
        }
    }

    boolean truth(Expression expression, Scope scope) {
        return Types.truth(evaluate(expression, scope));
    }

    private List<Object> all(List<Expression> expressions, Scope scope) {
        var values = new ArrayList<>(expressions.size());
        for (Expression expression : expressions) {
            values.add(evaluate(expression, scope));
        }
        return values;
    }

    private Object dict(Expression.DictLiteral literal, Scope scope) {
        var all = new ArrayList<Object>();
        for (int i = 0; i < literal.keys().size(); i++) {
            all.add(evaluate(literal.keys().get(i), scope));
            all.add(evaluate(literal.values().get(i), scope));
        }
        var dict = new Dict();
        for (int i = 0; i < all.size(); i += 2) {
            dict.put(all.get(i), all.get(i + 1));
        }
        return dict;
    }

    private Object sign(Expression.Sign sign, Scope scope) {
        Object value = evaluate(sign.operand(), scope);
        if (value instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (!Types.isNumber(value)) {
            throw JinjaException.type(
                    "bad operand type for unary "
                            + (sign.negative() ? "-" : "+")
                            + ": "
                            + Repr.of(Types.name(value)));
        }
        return sign.negative() ? JinjaNumbers.negate(value) : JinjaNumbers.add(value, 0L);
    }

    private Object concat(List<Expression> parts, Scope scope) {
        var out = new StringBuilder();
        for (Expression part : parts) {
            String text = Repr.text(evaluate(part, scope));
            Budget.characters(text.length());
            out.append(text);
            Limits.requireLength(out.length());
        }
        Budget.characters(out.length());
        return out.toString();
    }

    private boolean comparison(Expression.Comparison comparison, Scope scope) {
        Object left = evaluate(comparison.first(), scope);
        for (int i = 0; i < comparison.operators().size(); i++) {
            Object right = evaluate(comparison.operands().get(i), scope);
            if (!JinjaOperators.compare(comparison.operators().get(i), left, right)) {
                return false;
            }
            left = right;
        }
        return true;
    }

    private Object item(Object owner, Object key) {
        if (Types.isString(owner)) {
            Budget.text(owner); // finding a character takes counting from the start
        }
        return Attributes.item(owner, key);
    }

    private Object conditional(Expression.Conditional conditional, Scope scope) {
        if (truth(conditional.test(), scope)) {
            return evaluate(conditional.then(), scope);
        }
        return conditional.otherwise().isPresent()
                ? evaluate(conditional.otherwise().get(), scope)
                : Undefined.because(
                        "the inline if-expression on line "
                                + conditional.line()
                                + " evaluated to false and no else section was defined.");
    }

    private Object slice(Expression.Slice slice, Scope scope) {
        Object owner = evaluate(slice.owner(), scope);
        Object start = optional(slice.start(), scope);
        Object stop = optional(slice.stop(), scope);
        Object step = optional(slice.step(), scope);
        try {
            return Sequences.slice(owner, start, stop, step);
        } catch (JinjaException e) {
            if (folding && e.kind() == JinjaException.Kind.TYPE) {
                return Undefined.because(e.problem());
            }
            throw e;
        }
    }

    private Object optional(Optional<Expression> expression, Scope scope) {
        return expression.isPresent() ? evaluate(expression.get(), scope) : null;
    }

    /// Calls `callee`.
    Object call(Object callee, Arguments arguments) {
        budget.call();
        return switch (callee) {
            case Invocable function -> Budget.text(function.call(arguments));
            case Undefined undefined -> throw undefined.failure();
            case null, default ->
                    throw JinjaException.type(
                            Repr.of(Types.name(callee)) + " object is not callable");
        };
    }

    /// Filters `input`, which stands before all filters of the chain.
    Object filter(Expression filter, Object input, Scope scope) {
        if (!(filter instanceof Expression.Filter(var inner, String name, var arguments))) {
            throw new IllegalArgumentException("not a filter: " + filter);
        }
        Object value = inner.isPresent() ? filter(inner.get(), input, scope) : input;
        return filtered(name, arguments, value, scope);
    }

    private Object filter(Expression.Filter filter, Optional<Object> input, Scope scope) {
        // A value that is None makes the Optional empty.
        return filtered(filter.name(), filter.arguments(), input.orElse(null), scope);
    }

    private Object filtered(String name, ArgumentList arguments, Object value, Scope scope) {
        budget.call();
        return Filters.apply(name, arguments(arguments, scope).after(value));
    }

    Arguments arguments(ArgumentList list, Scope scope) {
        if (list == ArgumentList.NONE) {
            return Arguments.NONE;
        }
        var positional = new ArrayList<>(all(list.positional(), scope));
        if (list.moreByPlace().isPresent()) {
            Object value = evaluate(list.moreByPlace().get(), scope);
            if (!Sequences.isIterable(value)) {
                throw JinjaException.type(
                        "Value after * must be an iterable, not " + Types.name(value));
            }
            Iterator<Object> more = Sequences.iterate(value);
            while (more.hasNext()) {
                Budget.items(1);
                positional.add(more.next());
                Limits.requireItems(positional.size());
            }
        }
        Map<String, Object> named = new LinkedHashMap<>();
        list.named().forEach(word -> named.put(word.name(), evaluate(word.value(), scope)));
        if (list.moreByName().isPresent()) {
            Object value = evaluate(list.moreByName().get(), scope);
            if (value instanceof Undefined undefined) {
                throw undefined.failure();
            }
            if (!(value instanceof Map<?, ?> more)) {
                throw JinjaException.type(
                        "argument after ** must be a mapping, not " + Types.name(value));
            }
            Budget.items(more.size());
            more.forEach((key, item) -> named.put((String) Budget.text(Repr.text(key)), item));
        }
        return new Arguments(positional, named);
    }
}
