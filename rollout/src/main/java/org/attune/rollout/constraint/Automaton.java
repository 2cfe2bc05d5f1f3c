package org.attune.rollout.constraint;

import org.attune.error.ConfigException;
import org.attune.rollout.constraint.Expr.Kind;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/// The automaton over bytes of a whole grammar: its states are expressions, and a step is a
/// derivative. States are made when they are reached. Not thread-safe.
final class Automaton {
    /// States that are looked at to find an end.
    private static final int MOST_SEARCHED = 50_000;

    private final Grammar grammar;
    private final Expr start;
    private final Map<Expr, Boolean> alive = new HashMap<>();
    private final Map<Expr, List<BitSet>> cuts = new HashMap<>();

    /// Which rules hold the empty text, and which any text at all; true is found step by step.
    private final BitSet emptyRules = new BitSet();

    private final BitSet usefulRules = new BitSet();
    private final boolean hasUselessRules;
    private int stepsLeft = 2_000_000;
    private int rulesKnown; // a number for what was known when something was found out

    private Automaton(Grammar grammar, Expr language) {
        this.grammar = grammar;
        findRules(emptyRules, this::isNullable);
        LeftRecursion.remove(grammar, this::isNullable);
        findRules(usefulRules, this::isAlive);
        hasUselessRules = usefulRules.cardinality() < grammar.rules().size();
        start = pruned(language);
    }

    /// @param language where texts begin; its rules are all defined
    /// @return empty if there is no text at all
    /// @throws ConfigException if a rule calls itself before anything else in a way that can't be
    ///     turned around
    static Optional<Automaton> of(Grammar grammar, Expr language) {
        var automaton = new Automaton(grammar, language);
        return automaton.start == grammar.nothing ? Optional.empty() : Optional.of(automaton);
    }

    private void findRules(BitSet found, Predicate<Expr> asked) {
        int before = -1;
        while (found.cardinality() > before) {
            before = found.cardinality();
            rulesKnown++;
            alive.clear();
            for (int rule = 0; rule < grammar.rules().size(); rule++) {
                if (asked.test(grammar.rules().get(rule))) {
                    found.set(rule);
                }
            }
        }
        rulesKnown++;
        alive.clear();
    }

    Expr start() {
        return start;
    }

    /// The state where nothing can follow and nothing is complete.
    Expr dead() {
        return grammar.nothing;
    }

    Grammar grammar() {
        return grammar;
    }

    /// Whether a text may end here.
    boolean isNullable(Expr e) {
        return switch (e.kind) {
            case NOTHING, BYTES -> false;
            case EMPTY -> true;
            case MULTIPLE -> isDivided(e);
            case RULE -> emptyRules.get(e.min);
            case NOT, CHAIN, REPEAT, ANY_OF, ALL_OF -> {
                if (e.nullableSince != rulesKnown) {
                    e.nullable = partsNullable(e);
                    e.nullableSince = rulesKnown;
                }
                yield e.nullable;
            }
        };
    }

    private boolean partsNullable(Expr e) {
        return switch (e.kind) {
            case NOT -> !isNullable(e.first());
            case REPEAT -> e.min == 0 || isNullable(e.first());
            case ANY_OF -> e.parts.stream().anyMatch(this::isNullable);
            case ALL_OF -> e.parts.stream().allMatch(this::isNullable);
            case CHAIN -> {
                Expr rest = e;
                while (rest.kind == Kind.CHAIN && isNullable(rest.first())) {
                    rest = rest.last();
                }
                yield rest.kind != Kind.CHAIN && isNullable(rest);
            }
            case NOTHING, BYTES, MULTIPLE, EMPTY, RULE -> throw new IllegalStateException();
        };
    }

    /// The state after one more byte; [#dead] if it can't come.
    Expr step(Expr state, int value) {
        Expr next = state.next(value);
        return next != null ? next : steps(state, value);
    }

    /// Allows so many new steps until it is asked again; one more is an error.
    void allowSteps(int steps) {
        stepsLeft = steps;
    }

    private Expr steps(Expr state, int value) {
        if (--stepsLeft < 0) {
            throw new ConfigException(
                    "this constraint takes too many steps to follow; accepted: fewer repetitions"
                            + " inside of each other");
        }
        Expr derived = derivative(state, value);
        Expr next = derived.hidden || hasUselessRules ? pruned(derived) : derived;
        state.remember(sameStep(state, value), next);
        return next;
    }

    /// Bytes that surely lead to where one does.
    private BitSet sameStep(Expr state, int value) {
        var same = new BitSet(256);
        same.set(0, 256);
        for (BitSet cut : cuts(state)) {
            if (cut.get(value)) {
                same.and(cut);
            } else {
                same.andNot(cut);
            }
        }
        return same;
    }

    /// Whether a text is of a language.
    boolean takes(Expr language, String text) {
        Expr state = language;
        for (byte each : text.getBytes(StandardCharsets.UTF_8)) {
            state = step(state, each & 0xff);
        }
        return isNullable(state);
    }

    /// Whether a language has fewer texts than a number.
    boolean hasFew(Expr language, int most) {
        Map<Expr, Double> open = Map.of(language, 1.0); // ways to a state, by texts of one length
        double texts = 0;
        while (!open.isEmpty()) {
            Map<Expr, Double> next = new HashMap<>();
            for (Map.Entry<Expr, Double> each : open.entrySet()) {
                texts += isNullable(each.getKey()) ? each.getValue() : 0;
                for (int value = 0; value < 256; value++) {
                    Expr step = step(each.getKey(), value);
                    if (step != grammar.nothing) {
                        next.merge(step, each.getValue(), Double::sum);
                    }
                }
            }
            if (texts >= most) {
                return false;
            }
            open = next;
        }
        return true;
    }

    /// Sets of bytes that make a difference to the next step.
    private List<BitSet> cuts(Expr e) {
        return switch (e.kind) {
            case NOTHING, EMPTY -> List.of();
            case BYTES -> List.of(e.bytes);
            case RULE -> cuts(grammar.body(e));
            case REPEAT, NOT -> cuts(e.first());
            case MULTIPLE, CHAIN, ANY_OF, ALL_OF -> {
                List<BitSet> known = cuts.get(e);
                if (known == null) {
                    known = cutsOfParts(e);
                    cuts.put(e, known);
                }
                yield known;
            }
        };
    }

    private List<BitSet> cutsOfParts(Expr e) {
        Set<BitSet> found = new HashSet<>();
        if (e.kind == Kind.MULTIPLE) {
            for (int digit = '.'; digit <= '9'; digit++) {
                found.add(CodePoints.of(digit));
            }
        } else if (e.kind == Kind.CHAIN) {
            found.addAll(cuts(e.first()));
            if (isNullable(e.first())) {
                found.addAll(cuts(e.last()));
            }
        } else {
            e.parts.forEach(part -> found.addAll(cuts(part)));
        }
        return List.copyOf(found);
    }

    private Expr derivative(Expr e, int value) {
        return switch (e.kind) {
            case NOTHING, EMPTY -> grammar.nothing;
            case BYTES -> e.bytes.get(value) ? grammar.empty : grammar.nothing;
            case CHAIN -> {
                Expr rest = grammar.chain(raw(e.first(), value), e.last());
                yield isNullable(e.first())
                        ? grammar.anyOf(List.of(rest, raw(e.last(), value)))
                        : rest;
            }
            case REPEAT -> {
                int max = e.max == Expr.ENDLESS ? e.max : e.max - 1;
                Expr more = grammar.repeat(e.first(), Math.max(e.min - 1, 0), max);
                yield grammar.chain(raw(e.first(), value), more);
            }
            case ANY_OF -> grammar.anyOf(derivatives(e, value));
            case ALL_OF -> grammar.allOf(derivatives(e, value));
            case NOT -> grammar.not(raw(e.first(), value));
            case RULE -> raw(grammar.body(e), value);
            case MULTIPLE -> digit(e, value);
        };
    }

    /// One more character of a number that is divided.
    private Expr digit(Expr e, int value) {
        if (value == '.' && e.places < -1) {
            return grammar.multiple(e.min, e.max, -1 - e.places);
        }
        if (value < '0' || value > '9' || e.places == 0) {
            return grammar.nothing;
        }
        int rest = (int) ((10L * e.min + value - '0') % e.max);
        return grammar.multiple(rest, e.max, e.places < 0 ? e.places : e.places - 1);
    }

    private static boolean isDivided(Expr e) {
        long rest = e.min;
        for (int place = e.places < 0 ? -1 - e.places : e.places; place > 0; place--) {
            rest = 10 * rest % e.max;
        }
        return rest == 0;
    }

    private List<Expr> derivatives(Expr e, int value) {
        return e.parts.stream().map(part -> raw(part, value)).toList();
    }

    /// A derivative of a part, which is remembered where it needs no search.
    private Expr raw(Expr e, int value) {
        return e.hidden ? derivative(e, value) : step(e, value);
    }

    /// Whether there is any byte string in a language.
    boolean isAlive(Expr e) {
        if (e.plain) {
            return e != grammar.nothing;
        }
        return switch (e.kind) {
            case RULE -> usefulRules.get(e.min);
            case ALL_OF, NOT, MULTIPLE -> isReached(e);
            case CHAIN, ANY_OF, REPEAT -> {
                Boolean known = alive.get(e);
                if (known == null) {
                    known = arePartsAlive(e);
                    alive.put(e, known);
                }
                yield known;
            }
            case NOTHING, EMPTY, BYTES -> e != grammar.nothing;
        };
    }

    private boolean arePartsAlive(Expr e) {
        if (e.kind == Kind.REPEAT) {
            return e.min == 0 || isAlive(e.first());
        }
        if (e.kind == Kind.ANY_OF) {
            return e.parts.stream().anyMatch(this::isAlive);
        }
        Expr rest = e;
        while (rest.kind == Kind.CHAIN) { // chains may be long
            if (!isAlive(rest.first())) {
                return false;
            }
            rest = rest.last();
        }
        return isAlive(rest);
    }

    /// Looks for an end that can be reached, among states not looked at before.
    private boolean isReached(Expr from) {
        Boolean known = alive.get(from);
        if (known != null) {
            return known;
        }
        Map<Expr, Expr> cameFrom = new HashMap<>();
        Deque<Expr> open = new ArrayDeque<>(List.of(from));
        cameFrom.put(from, from);
        while (!open.isEmpty()) {
            Expr e = open.removeFirst();
            if (isNullable(e) || Boolean.TRUE.equals(alive.get(e))) {
                for (Expr on = e; alive.put(on, true) == null || on != from; ) {
                    on = cameFrom.get(on);
                }
                return true;
            }
            for (Expr next : distinctSteps(e)) {
                boolean lost = next == grammar.nothing || Boolean.FALSE.equals(alive.get(next));
                if (!lost && cameFrom.putIfAbsent(next, e) == null) {
                    open.add(next);
                }
            }
            if (cameFrom.size() > MOST_SEARCHED) {
                throw new ConfigException(
                        "whether this constraint leaves any text can't be found out; accepted:"
                                + " shorter lengths beside patterns");
            }
        }
        cameFrom.keySet().forEach(e -> alive.put(e, false));
        return false;
    }

    private List<Expr> distinctSteps(Expr e) {
        List<Expr> steps = new ArrayList<>();
        var left = new BitSet(256);
        left.set(0, 256);
        while (!left.isEmpty()) {
            int value = left.nextSetBit(0);
            left.andNot(sameStep(e, value));
            steps.add(raw(e, value));
        }
        return steps;
    }

    /// The language without branches that hold nothing.
    private Expr pruned(Expr e) {
        if (!isAlive(e)) {
            return grammar.nothing;
        }
        return switch (e.kind) {
            case ANY_OF -> grammar.anyOf(e.parts.stream().map(this::pruned).toList());
            case CHAIN -> grammar.chain(pruned(e.first()), e.last());
            case NOTHING, EMPTY, BYTES, REPEAT, ALL_OF, NOT, RULE, MULTIPLE -> e;
        };
    }
}
