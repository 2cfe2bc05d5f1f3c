package org.attune.rollout.constraint;

import org.attune.error.ConfigException;

import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Which tokens may follow a state of an automaton: those whose bytes it takes. Masks are made when
/// they are asked for and kept by state. Safe for use by many threads.
///
/// The state of a text inside nested structures is a chain: what is left of a part, then the rest.
/// Tokens within the part depend on it alone, so they are looked up once, wherever it stands, with
/// the places in the trie where it ends; only from there on the rest is followed.
final class TokenMasks {
    /// Masks that are kept at most; one of 150,000 tokens takes 19 kB.
    private static final int KEPT = 1_000;

    /// New states that a mask may need: a text in which everything is allowed has some hundred.
    static final int MOST_STEPS = 50_000;

    private final Automaton automaton;
    private final TokenTrie trie;
    private final Map<Expr, Walk> walks =
            new LinkedHashMap<>(16, 0.75f, true) {
                @Override
                protected boolean removeEldestEntry(Map.Entry<Expr, Walk> eldest) {
                    return size() > KEPT;
                }
            };
    private final Map<Expr, BitSet> masks = new ConcurrentHashMap<>();

    /// What a walk through the trie found.
    ///
    /// @param tokens that fit
    /// @param ends nodes with others below them at which the language may end
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    private record Walk(BitSet tokens, int[] ends) {}

    TokenMasks(Automaton automaton, TokenTrie trie) {
        this.automaton = automaton;
        this.trie = trie;
    }

    /// Whether the mask of a state is there. Waits for nobody.
    boolean isKept(Expr state) {
        return masks.containsKey(state);
    }

    /// Tokens that may come next, those that end a completion among them where it may end; not to
    /// be changed.
    BitSet allowed(Expr state) {
        try {
            return kept(state);
        } catch (StackOverflowError e) {
            throw tooDeep(e);
        }
    }

    private static ConfigException tooDeep(StackOverflowError e) {
        return new ConfigException("this constraint is nested too deeply to be followed", e);
    }

    private BitSet kept(Expr state) {
        BitSet there = masks.get(state);
        if (there != null) {
            return there;
        }
        synchronized (automaton) {
            BitSet known = masks.get(state);
            if (known == null) {
                automaton.allowSteps(MOST_STEPS);
                known = (BitSet) walk(state).tokens().clone();
                if (automaton.isNullable(state)) {
                    known.or(trie.ends());
                }
                if (masks.size() >= KEPT) {
                    masks.clear();
                }
                masks.put(state, known);
            }
            return known;
        }
    }

    /// The state behind some bytes.
    Expr after(Expr state, byte[] bytes) {
        try {
            return stepped(state, bytes);
        } catch (StackOverflowError e) {
            throw tooDeep(e);
        }
    }

    private Expr stepped(Expr state, byte[] bytes) {
        synchronized (automaton) {
            automaton.allowSteps(MOST_STEPS);
            Expr now = state;
            for (byte each : bytes) {
                now = automaton.step(now, each & 0xff);
            }
            return now;
        }
    }

    private Walk walk(Expr state) {
        Walk known = walks.get(state);
        if (known != null) {
            return known;
        }
        Expr capped = capped(state);
        var walk = new Walk(new BitSet(), new int[0]);
        if (capped != state) {
            walk = walk(capped);
        } else if (state.kind == Expr.Kind.CHAIN && !automaton.isNullable(state.first())) {
            Walk head = walk(state.first());
            var found = new Found((BitSet) head.tokens().clone());
            for (int node : head.ends()) {
                found.end(state.last(), node);
                found.follow(state.last(), node);
            }
            walk = found.walk();
        } else {
            var found = new Found(new BitSet());
            found.follow(state, 0);
            walk = found.walk();
        }
        walks.put(state, walk);
        return walk;
    }

    /// A language in which the same tokens fit, since a token can't count so far.
    private Expr capped(Expr e) {
        Grammar grammar = automaton.grammar();
        if (e.kind == Expr.Kind.CHAIN) {
            Expr first = capped(e.first());
            return first == e.first() ? e : grammar.chain(first, e.last());
        }
        int most = trie.deepest() + 1;
        if (e.kind != Expr.Kind.REPEAT || automaton.isNullable(e.first())) {
            return e;
        }
        int max = e.max >= most ? Expr.ENDLESS : e.max;
        return grammar.repeat(e.first(), Math.min(e.min, most), max);
    }

    /// Collects what walks find.
    private final class Found {
        private final BitSet tokens;
        private int[] ends = new int[8];
        private int count;

        Found(BitSet tokens) {
            this.tokens = tokens;
        }

        Walk walk() {
            return new Walk(tokens, Arrays.copyOf(ends, count));
        }

        /// Follows a language below a node.
        void follow(Expr from, int top) {
            var states = new Expr[trie.deepest() + 2];
            var until = new int[trie.deepest() + 2];
            int depth = 0;
            states[0] = from;
            until[0] = trie.skip(top);
            int node = top + 1;
            Expr dead = automaton.dead();
            while (node < until[0]) {
                while (node >= until[depth]) {
                    depth--;
                }
                Expr next = automaton.step(states[depth], trie.label(node));
                if (next == dead) {
                    node = trie.skip(node);
                    continue;
                }
                trie.addTokens(node, tokens);
                if (!trie.isLeaf(node)) {
                    end(next, node);
                    depth++;
                    states[depth] = next;
                    until[depth] = trie.skip(node);
                }
                node++;
            }
        }

        /// Remembers a node if the language may end there.
        void end(Expr state, int node) {
            if (automaton.isNullable(state)) {
                if (count == ends.length) {
                    ends = Arrays.copyOf(ends, 2 * count);
                }
                ends[count++] = node;
            }
        }
    }
}
