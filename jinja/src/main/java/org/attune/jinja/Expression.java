package org.attune.jinja;

import java.util.List;
import java.util.Optional;

/// What gives a value.
sealed interface Expression {
    record Constant(Object value) implements Expression {}

    record Name(String name) implements Expression {}

    record ListLiteral(List<Expression> items) implements Expression {}

    record TupleLiteral(List<Expression> items) implements Expression {}

    record DictLiteral(List<Expression> keys, List<Expression> values) implements Expression {}

    /// `not operand`
    record Not(Expression operand) implements Expression {}

    /// `+operand` or `-operand`
    record Sign(boolean negative, Expression operand) implements Expression {}

    /// `left operator right` with one of `+ - * / // % **`
    record Arithmetic(String operator, Expression left, Expression right) implements Expression {}

    record And(Expression left, Expression right) implements Expression {}

    record Or(Expression left, Expression right) implements Expression {}

    /// `a ~ b ~ c`
    record Concat(List<Expression> parts) implements Expression {}

    /// `first op₁ e₁ op₂ e₂ …`: true if each neighbouring pair compares true
    record Comparison(Expression first, List<String> operators, List<Expression> operands)
            implements Expression {}

    /// `then if test else otherwise`
    record Conditional(Expression test, Expression then, Optional<Expression> otherwise, int line)
            implements Expression {}

    /// `owner.name`
    record Attribute(Expression owner, String name) implements Expression {}

    /// `owner[key]`
    record Item(Expression owner, Expression key) implements Expression {}

    /// `owner[start:stop:step]`
    record Slice(
            Expression owner,
            Optional<Expression> start,
            Optional<Expression> stop,
            Optional<Expression> step)
            implements Expression {}

    record Call(Expression callee, ArgumentList arguments) implements Expression {}

    /// `input | name(arguments)`; without input it stands in a filter block or block assignment
    record Filter(Optional<Expression> input, String name, ArgumentList arguments)
            implements Expression {}

    /// `input is name(arguments)`
    record Test(Expression input, String name, ArgumentList arguments) implements Expression {}

    /// Arguments of a call.
    ///
    /// @param named      names and values of keyword arguments
    /// @param moreByPlace `*value`
    /// @param moreByName  `**value`
    record ArgumentList(
            List<Expression> positional,
            List<Keyword> named,
            Optional<Expression> moreByPlace,
            Optional<Expression> moreByName) {
        static final ArgumentList NONE =
                new ArgumentList(List.of(), List.of(), Optional.empty(), Optional.empty());
    }

    record Keyword(String name, Expression value) {}
}
