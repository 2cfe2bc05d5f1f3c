package org.attune.rollout.constraint;

import java.util.HashMap;
import java.util.Map;

/// Takes what is ignored away from before the first terminal of a text. Where that may be one of
/// several parts, because the first of them may be empty, it stays.
final class FirstTerminal {
    private final Grammar grammar;
    private final Expr ignored;
    private final Map<Expr, Expr> rules = new HashMap<>();
    private final Map<Expr, Boolean> nullable = new HashMap<>();

    FirstTerminal(Grammar grammar, Expr ignored) {
        this.grammar = grammar;
        this.ignored = ignored;
    }

    Expr of(Expr e) {
        return switch (e.kind) {
            case CHAIN -> {
                if (e.first() == ignored) {
                    yield e.last();
                }
                yield isNullable(e.first()) ? e : grammar.chain(of(e.first()), e.last());
            }
            case ANY_OF -> grammar.anyOf(e.parts.stream().map(this::of).toList());
            case REPEAT -> {
                int more = e.max == Expr.ENDLESS ? e.max : e.max - 1;
                Expr rest = grammar.repeat(e.first(), Math.max(e.min - 1, 0), more);
                Expr some = grammar.chain(of(e.first()), rest);
                yield e.min > 0 ? some : grammar.optional(some);
            }
            case RULE -> rule(e);
            case NOTHING, EMPTY, BYTES, ALL_OF, NOT, MULTIPLE -> e;
        };
    }

    private Expr rule(Expr rule) {
        Expr known = rules.get(rule);
        if (known == null) {
            known = grammar.newRule(grammar.name(rule.min));
            rules.put(rule, known);
            grammar.define(known, of(grammar.body(rule)));
        }
        return known;
    }

    private boolean isNullable(Expr e) {
        Boolean known = nullable.get(e);
        if (known == null) {
            nullable.put(e, false); // of a rule that is looked at
            known =
                    switch (e.kind) {
                        case EMPTY -> true;
                        case RULE -> isNullable(grammar.body(e));
                        case REPEAT -> e.min == 0 || isNullable(e.first());
                        case ANY_OF -> e.parts.stream().anyMatch(this::isNullable);
                        case CHAIN -> e.parts.stream().allMatch(this::isNullable);
                        case NOTHING, BYTES, ALL_OF, NOT, MULTIPLE -> false;
                    };
            nullable.put(e, known);
        }
        return known;
    }
}
