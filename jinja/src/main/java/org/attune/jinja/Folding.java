package org.attune.jinja;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// Whether Jinja knows an expression's value before it renders: nothing in it is a variable or a
/// call. It matters for slices of what has none, which are an error when rendering and undefined
/// before.
final class Folding {
    /// Filters that look at the variables around them.
    private static final Set<String> OF_CONTEXT =
            Set.of("map", "select", "reject", "selectattr", "rejectattr");

    private Folding() {}

    /// Whether a constant expression has slices.
    static boolean slices(Expression expression) {
        return isSliced(expression) && isConstant(expression);
    }

    private static boolean isSliced(Expression expression) {
        return expression instanceof Expression.Slice
                || parts(expression).anyMatch(Folding::isSliced);
    }

    private static boolean isConstant(Expression expression) {
        boolean changes =
                switch (expression) {
                    case Expression.Name _, Expression.Call _ -> true;
                    case Expression.Filter filter -> OF_CONTEXT.contains(filter.name());
                    default -> false;
                };
        return !changes && parts(expression).allMatch(Folding::isConstant);
    }

    private static Stream<Expression> parts(Expression expression) {
        return switch (expression) {
            case Expression.Constant _, Expression.Name _ -> Stream.empty();
            case Expression.ListLiteral(List<Expression> items) -> items.stream();
            case Expression.TupleLiteral(List<Expression> items) -> items.stream();
            case Expression.DictLiteral dict ->
                    Stream.concat(dict.keys().stream(), dict.values().stream());
            case Expression.Not(Expression operand) -> Stream.of(operand);
            case Expression.Sign sign -> Stream.of(sign.operand());
            case Expression.Arithmetic sum -> Stream.of(sum.left(), sum.right());
            case Expression.And and -> Stream.of(and.left(), and.right());
            case Expression.Or or -> Stream.of(or.left(), or.right());
            case Expression.Concat(List<Expression> parts) -> parts.stream();
            case Expression.Comparison comparison ->
                    Stream.concat(Stream.of(comparison.first()), comparison.operands().stream());
            case Expression.Conditional choice ->
                    Stream.concat(
                            Stream.of(choice.test(), choice.then()), choice.otherwise().stream());
            case Expression.Attribute attribute -> Stream.of(attribute.owner());
            case Expression.Item item -> Stream.of(item.owner(), item.key());
            case Expression.Slice slice ->
                    Stream.of(Optional.of(slice.owner()), slice.start(), slice.stop(), slice.step())
                            .flatMap(Optional::stream);
            case Expression.Call call ->
                    Stream.concat(Stream.of(call.callee()), parts(call.arguments()));
            case Expression.Filter filter ->
                    Stream.concat(filter.input().stream(), parts(filter.arguments()));
            case Expression.Test test ->
                    Stream.concat(Stream.of(test.input()), parts(test.arguments()));
        };
    }

    private static Stream<Expression> parts(Expression.ArgumentList arguments) {
        return Stream.of(
                        arguments.positional(),
                        arguments.named().stream().map(Expression.Keyword::value).toList(),
                        arguments.moreByPlace().stream().toList(),
                        arguments.moreByName().stream().toList())
                .flatMap(Collection::stream);
    }
}
