package org.attune.rollout.constraint;

import org.attune.error.ConfigException;
import org.attune.rollout.constraint.Expr.Kind;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.Predicate;

/// Rules that call themselves before they have read anything. A derivative would never end, so
/// `a: a x | y` becomes `a: y x*`, which is the same language.
final class LeftRecursion {
    private final Grammar grammar;
    private final Predicate<Expr> nullable;

    private LeftRecursion(Grammar grammar, Predicate<Expr> nullable) {
        this.grammar = grammar;
        this.nullable = nullable;
    }

    /// Changes the bodies of such rules.
    ///
    /// @param nullable whether an expression holds the empty text
    /// @throws ConfigException if a rule calls itself first by way of others
    static void remove(Grammar grammar, Predicate<Expr> nullable) {
        var recursion = new LeftRecursion(grammar, nullable);
        for (int rule = 0; rule < grammar.rules().size(); rule++) {
            recursion.turnAround(rule);
        }
        for (int rule = 0; rule < grammar.rules().size(); rule++) {
            recursion.requireNone(rule);
        }
    }

    private void turnAround(int rule) {
        List<Expr> begins = new ArrayList<>();
        List<Expr> rests = new ArrayList<>();
        Expr body = grammar.rules().get(rule);
        for (Expr each : body.kind == Kind.ANY_OF ? body.parts : List.of(body)) {
            if (isCall(each, rule)) {
                continue; // a: a, which adds nothing
            }
            if (each.kind == Kind.CHAIN && isCall(each.first(), rule)) {
                rests.add(each.last());
            } else {
                begins.add(each);
            }
        }
        if (begins.size() < (body.kind == Kind.ANY_OF ? body.parts.size() : 1)) {
            Expr turned = grammar.chain(grammar.anyOf(begins), grammar.star(grammar.anyOf(rests)));
            grammar.rules().set(rule, turned);
        }
    }

    private static boolean isCall(Expr e, int rule) {
        return e.kind == Kind.RULE && e.min == rule;
    }

    private void requireNone(int rule) {
        var called = new BitSet();
        collect(grammar.rules().get(rule), called);
        if (called.get(rule)) {
            throw new ConfigException(
                    ("rule %s calls itself before it has read anything, by way of others or behind"
                                    + " parts that may be empty; accepted: rules like"
                                    + " `a: a \"x\" | \"y\"`, or without such a call")
                            .formatted(grammar.name(rule)));
        }
    }

    /// Rules that may be called before a byte was read.
    private void collect(Expr e, BitSet called) {
        switch (e.kind) {
            case RULE -> {
                if (!called.get(e.min)) {
                    called.set(e.min);
                    collect(grammar.rules().get(e.min), called);
                }
            }
            case CHAIN -> {
                collect(e.first(), called);
                if (nullable.test(e.first())) {
                    collect(e.last(), called);
                }
            }
            case REPEAT, ANY_OF, ALL_OF, NOT -> e.parts.forEach(part -> collect(part, called));
            case NOTHING, EMPTY, BYTES, MULTIPLE -> {}
        }
    }
}
