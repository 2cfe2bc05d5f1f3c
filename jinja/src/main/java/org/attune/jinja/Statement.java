package org.attune.jinja;

import java.util.List;
import java.util.Optional;

/// What does something. Each knows the line it starts on.
sealed interface Statement {
    int line();

    /// Template text as it is.
    record Data(String text, int line) implements Statement {}

    /// `{{ value }}`
    ///
    /// @param folded whether `value` is constant and has slices; see [Folding]
    record Print(Expression value, boolean folded, int line) implements Statement {
        Print(Expression value, int line) {
            this(value, Folding.slices(value), line);
        }
    }

    /// `{% if %}` with its `elif`s; the last branch may have no test (`else`).
    record If(List<Branch> branches, int line) implements Statement {}

    record Branch(Optional<Expression> test, List<Statement> body, int line) {}

    /// @param test      `{% for x in items if test %}`
    /// @param recursive whether the body may call `loop(items)`
    /// @param otherwise `{% else %}`: done if there was no item
    record For(
            Target target,
            Expression items,
            Optional<Expression> test,
            boolean recursive,
            List<Statement> body,
            List<Statement> otherwise,
            int line)
            implements Statement {}

    record Break(int line) implements Statement {}

    record Continue(int line) implements Statement {}

    /// `{% set target = value %}`
    record Assign(Target target, Expression value, int line) implements Statement {}

    /// `{% set target | filter %}…{% endset %}`
    record AssignBlock(Target target, Optional<Expression> filter, List<Statement> body, int line)
            implements Statement {}

    record With(List<Target> targets, List<Expression> values, List<Statement> body, int line)
            implements Statement {}

    record MacroDefinition(MacroCode code, int line) implements Statement {}

    /// `{% call(x) macro() %}…{% endcall %}`
    record CallBlock(MacroCode caller, Expression.Call call, int line) implements Statement {}

    /// `{% filter name %}…{% endfilter %}`
    record FilterBlock(Expression filter, List<Statement> body, int line) implements Statement {}

    /// `{% generation %}…{% endgeneration %}`: what the assistant says
    record Generation(List<Statement> body, int line) implements Statement {}

    /// `{% autoescape on %}…{% endautoescape %}`
    record Autoescape(Expression on, List<Statement> body, int line) implements Statement {}

    /// A group of statements with their own variables (`{% block %}`).
    record Group(List<Statement> body, int line) implements Statement {}

    /// @param name       empty for the body of a call block
    /// @param parameters names in order
    /// @param defaults   of the last parameters
    /// @param varargs    whether the body uses `varargs`: then more positional arguments may come
    /// @param kwargs     whether the body uses `kwargs`
    /// @param caller     whether the body uses `caller`
    record MacroCode(
            String name,
            List<String> parameters,
            List<Expression> defaults,
            List<Statement> body,
            boolean varargs,
            boolean kwargs,
            boolean caller) {}

    /// Where a value is put.
    sealed interface Target {
        record Variable(String name) implements Target {}

        record NamespaceAttribute(String namespace, String name) implements Target {}

        record Several(List<Target> targets) implements Target {}
    }
}
