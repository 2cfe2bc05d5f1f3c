package org.attune.rollout.constraint;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/// A language of byte strings. Equal expressions of one [Grammar] are one object.
///
/// An expression is also the state of an automaton: what may follow the bytes so far. Its step by
/// a byte is its derivative ([Might and Darais 2010](https://arxiv.org/abs/1010.5023)), made when
/// it is first asked for. An expression that calls rules holds the open calls as the chain of what
/// is left of each.
final class Expr {
    /// No upper bound of a repetition.
    static final int ENDLESS = Integer.MAX_VALUE;

    /// What kinds of languages there are.
    enum Kind {
        /// No byte string at all.
        NOTHING,
        /// The empty byte string alone.
        EMPTY,
        /// One byte of a set.
        BYTES,
        /// The first part, then the second.
        CHAIN,
        /// `min` to `max` times its part.
        REPEAT,
        /// One of its parts.
        ANY_OF,
        /// All of its parts at once.
        ALL_OF,
        /// Everything but its part.
        NOT,
        /// What rule number `min` says.
        RULE,
        /// A decimal number that `max` divides, with a fixed number of places behind the point.
        /// `min` is the rest of the digits so far, and `places` are those that may still follow the
        /// point, or below 0 before it: −1 less these.
        MULTIPLE
    }

    final int id;
    final Kind kind;
    final List<Expr> parts;
    final BitSet bytes; // of BYTES, else empty
    final int min;
    final int max;
    final int places;

    /// Whether a part is [Kind#ALL_OF], [Kind#NOT] or [Kind#MULTIPLE], so that it takes a search to
    /// learn if there is a byte string at all.
    final boolean hidden;

    /// Without calls of rules, and not [#hidden]: an expression that holds no byte string at all is
    /// [Kind#NOTHING] then.
    final boolean plain;

    /// Whether the empty byte string is in it, as [Automaton#isNullable] found out.
    boolean nullable;

    int nullableSince;
    private Expr[] next; // by byte

    Expr(int id, Key key) {
        this.id = id;
        kind = key.kind();
        parts = key.parts();
        bytes = key.bytes();
        min = key.min();
        max = key.max();
        places = key.places();
        hidden =
                kind == Kind.ALL_OF
                        || kind == Kind.NOT
                        || kind == Kind.MULTIPLE
                        || parts.stream().anyMatch(part -> part.hidden);
        plain = !hidden && kind != Kind.RULE && parts.stream().allMatch(part -> part.plain);
    }

    /// What makes expressions equal; parts are compared by identity, since each is one object.
    record Key(Kind kind, List<Expr> parts, BitSet bytes, int min, int max, int places) {}

    Expr first() {
        return parts.getFirst();
    }

    Expr last() {
        return parts.getLast();
    }

    /// Its step by a byte, or null if it was not made yet.
    Expr next(int value) {
        return next == null ? null : next[value];
    }

    /// Remembers its step by some bytes.
    void remember(BitSet values, Expr step) {
        if (next == null) {
            next = new Expr[256];
        }
        values.stream().forEach(value -> next[value] = step);
    }

    @Override
    public String toString() {
        return switch (kind) {
            case BYTES -> bytes.toString();
            case RULE -> "rule " + min;
            case MULTIPLE -> "multiple of " + max + " after " + min;
            case REPEAT -> parts + "{" + min + "," + max + "}";
            case NOTHING, EMPTY, CHAIN, ANY_OF, ALL_OF, NOT ->
                    kind + Arrays.toString(parts.toArray());
        };
    }
}
