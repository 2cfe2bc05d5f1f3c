package org.attune.jinja;

import org.attune.jinja.Statement.MacroCode;
import org.attune.jinja.Statement.Target;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// Executes the statements of one rendering.
final class Interpreter {
    private final Budget budget;
    private final Evaluator evaluator;
    private final StringBuilder text = new StringBuilder();
    private final List<Integer> starts = new ArrayList<>();
    private final List<Integer> ends = new ArrayList<>();
    private boolean escaping;

    Interpreter(Budget budget) {
        this.budget = budget;
        this.evaluator = new Evaluator(budget);
    }

    /// What comes after a statement.
    private enum Next {
        STATEMENT,
        ROUND,
        LOOP_END
    }

    JinjaTemplate.Rendered render(List<Statement> template, Scope scope) {
        run(template, scope, text);
        return new JinjaTemplate.Rendered(text.toString(), array(starts), array(ends));
    }

    private static int[] array(List<Integer> values) {
        return values.stream().mapToInt(Integer::intValue).toArray();
    }

    private Next run(List<Statement> body, Scope scope, StringBuilder out) {
        for (Statement statement : body) {
            Next next;
            try {
                budget.step();
                next = run(statement, scope, out);
                Limits.requireLength(out.length());
            } catch (JinjaException e) {
                throw e.atLine(statement.line());
            }
            if (next != Next.STATEMENT) {
                return next;
            }
        }
        return Next.STATEMENT;
    }

    private Next run(Statement statement, Scope scope, StringBuilder out) {
        switch (statement) {
            case Statement.Data data -> append(data.text(), out);
            case Statement.Print print ->
                    append(
                            shown(
                                    print.folded()
                                            ? evaluator.folded(print.value(), scope)
                                            : evaluator.evaluate(print.value(), scope)),
                            out);
            case Statement.If condition -> {
                return choose(condition, scope, out);
            }
            case Statement.For loop ->
                    loop(loop, evaluator.evaluate(loop.items(), scope), 0, scope, out);
            case Statement.Break _ -> {
                return Next.LOOP_END;
            }
            case Statement.Continue _ -> {
                return Next.ROUND;
            }
            case Statement.Assign assign -> {
                requireNamespaces(assign.target(), scope);
                assign(assign.target(), evaluator.evaluate(assign.value(), scope), scope);
            }
            case Statement.AssignBlock block -> assignBlock(block, scope);
            case Statement.With with -> with(with, scope, out);
            case Statement.MacroDefinition macro ->
                    scope.set(macro.code().name(), new Macro(macro.code(), scope, this::macro));
            case Statement.CallBlock block -> callBlock(block, scope, out);
            case Statement.FilterBlock block -> {
                String body = apart(block.body(), new Scope(scope));
                Object filtered = evaluator.filter(block.filter(), safe(body), scope);
                if (!Types.isString(filtered)) {
                    throw JinjaException.type(
                            "expected str instance, " + Types.name(filtered) + " found");
                }
                append(shown(filtered), out);
            }
            case Statement.Generation generation -> generation(generation, scope, out);
            case Statement.Autoescape escape -> autoescape(escape, scope, out);
            case Statement.Group group -> run(group.body(), new Scope(scope), out);
        }
        return Next.STATEMENT;
    }

    private static void append(String text, StringBuilder out) {
        Budget.characters(text.length());
        out.append(text);
    }

    private String shown(Object value) {
        return escaping ? Markup.escape(value).text() : Repr.text(value);
    }

    /// Text that the template made itself, which needs no escaping.
    private Object safe(String made) {
        return escaping ? new Markup(made) : made;
    }

    /// Renders statements into their own text.
    private String apart(List<Statement> body, Scope scope) {
        var out = new StringBuilder();
        run(body, scope, out);
        Budget.characters(out.length());
        return out.toString();
    }

    private Next choose(Statement.If condition, Scope scope, StringBuilder out) {
        for (Statement.Branch branch : condition.branches()) {
            if (applies(branch, scope)) {
                return run(branch.body(), scope, out);
            }
        }
        return Next.STATEMENT;
    }

    private boolean applies(Statement.Branch branch, Scope scope) {
        try {
            return branch.test().isEmpty() || evaluator.truth(branch.test().get(), scope);
        } catch (JinjaException e) {
            throw e.atLine(branch.line());
        }
    }

    private void loop(
            Statement.For statement, Object items, int depth, Scope scope, StringBuilder out) {
        var loop =
                new LoopContext(
                        selected(statement, items, scope), depth, recursion(statement, scope));
        boolean empty = true;
        while (loop.hasNext()) {
            budget.step();
            empty = false;
            var round = new Scope(scope);
            assign(statement.target(), loop.next(), round);
            round.set("loop", loop);
            if (run(statement.body(), round, out) == Next.LOOP_END) {
                return;
            }
        }
        if (empty) {
            run(statement.otherwise(), new Scope(scope), out);
        }
    }

    private Object selected(Statement.For statement, Object items, Scope scope) {
        if (statement.test().isEmpty()) {
            return items;
        }
        return LazySequence.of(
                () ->
                        LazySequence.filtered(
                                Sequences.iterate(items),
                                item -> {
                                    budget.step();
                                    var round = new Scope(scope);
                                    assign(statement.target(), item, round);
                                    return evaluator.truth(statement.test().get(), round);
                                }));
    }

    private java.util.function.BiFunction<Object, Integer, Object> recursion(
            Statement.For statement, Scope scope) {
        if (!statement.recursive()) {
            return null;
        }
        return (items, depth) -> {
            budget.enter("a recursive loop");
            var out = new StringBuilder();
            loop(statement, items, depth, scope, out);
            budget.leave();
            Budget.characters(out.length());
            return safe(out.toString());
        };
    }

    private void assign(Target target, Object value, Scope scope) {
        switch (target) {
            case Target.Variable(String name) -> scope.set(name, value);
            case Target.NamespaceAttribute(String namespace, String name) -> {
                requireNamespaces(target, scope);
                ((Namespace) scope.get(namespace)).set(name, value);
            }
            case Target.Several(List<Target> targets) -> {
                List<Object> values = Sequences.unpacked(value, targets.size());
                Budget.charge(values.size());
                for (int i = 0; i < values.size(); i++) {
                    assign(targets.get(i), values.get(i), scope);
                }
            }
        }
    }

    /// Only namespaces have attributes that can be set. Jinja looks before it evaluates the value.
    private static void requireNamespaces(Target target, Scope scope) {
        switch (target) {
            case Target.Variable _ -> {}
            case Target.NamespaceAttribute(String namespace, _) -> {
                if (!(scope.get(namespace) instanceof Namespace)) {
                    throw JinjaException.type("cannot assign attribute on non-namespace object");
                }
            }
            case Target.Several(List<Target> targets) ->
                    targets.forEach(one -> requireNamespaces(one, scope));
        }
    }

    private void assignBlock(Statement.AssignBlock block, Scope scope) {
        Object value = safe(apart(block.body(), new Scope(scope)));
        if (block.filter().isPresent()) {
            value = evaluator.filter(block.filter().get(), value, scope);
        }
        assign(block.target(), value, scope);
    }

    private void with(Statement.With with, Scope scope, StringBuilder out) {
        var inner = new Scope(scope);
        for (int i = 0; i < with.targets().size(); i++) {
            assign(with.targets().get(i), evaluator.evaluate(with.values().get(i), scope), inner);
        }
        run(with.body(), inner, out);
    }

    private void callBlock(Statement.CallBlock block, Scope scope, StringBuilder out) {
        Object callee = evaluator.evaluate(block.call().callee(), scope);
        Arguments given = evaluator.arguments(block.call().arguments(), scope);
        var named = new java.util.LinkedHashMap<>(given.named());
        named.put("caller", new Macro(block.caller(), scope, this::macro));
        append(shown(evaluator.call(callee, new Arguments(given.positional(), named))), out);
    }

    private Object macro(MacroCode code, Scope scope, Set<String> missing) {
        int firstDefault = code.parameters().size() - code.defaults().size();
        for (int i = 0; i < code.defaults().size(); i++) {
            String parameter = code.parameters().get(firstDefault + i);
            if (missing.contains(parameter)) {
                scope.set(parameter, evaluator.evaluate(code.defaults().get(i), scope));
            }
        }
        budget.enter("macro " + Repr.of(code.name()));
        String result = apart(code.body(), scope);
        budget.leave();
        return safe(result);
    }

    /// Remembers where in the whole text the block's text stands. Inside a macro or a block
    /// assignment that can't be known: the text may be moved, changed or dropped afterwards.
    private void generation(Statement.Generation generation, Scope scope, StringBuilder out) {
        String body = apart(generation.body(), new Scope(scope));
        boolean known = out == text;
        starts.add(known ? out.length() : -1);
        ends.add(known ? out.length() + body.length() : -1);
        append(body, out);
    }

    private void autoescape(Statement.Autoescape escape, Scope scope, StringBuilder out) {
        boolean before = escaping;
        escaping = evaluator.truth(escape.on(), scope);
        try {
            run(escape.body(), new Scope(scope), out);
        } finally {
            escaping = before;
        }
    }
}
