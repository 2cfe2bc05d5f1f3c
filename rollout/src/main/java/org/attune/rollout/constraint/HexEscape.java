package org.attune.rollout.constraint;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Spells characters as JSON's `\\u` does, in four hexadecimal digits each, or a pair of them.
record HexEscape(Grammar grammar) {
    private static final int DIGITS = 4;

    /// One character of a set, behind the backslash.
    Expr oneOf(BitSet set) {
        List<Expr> parts = new ArrayList<>();
        parts.add(units(set.get(0, Character.MIN_SUPPLEMENTARY_CODE_POINT)));
        Map<BitSet, BitSet> byLow = new LinkedHashMap<>();
        int next = set.nextSetBit(Character.MIN_SUPPLEMENTARY_CODE_POINT);
        while (next >= 0) {
            char high = Character.highSurrogate(next);
            int first = Character.toCodePoint(high, Character.MIN_LOW_SURROGATE);
            var low = new BitSet();
            set.get(first, first + 1024).stream()
                    .forEach(i -> low.set(Character.MIN_LOW_SURROGATE + i));
            byLow.computeIfAbsent(low, _ -> new BitSet()).set(high);
            next = set.nextSetBit(first + 1024);
        }
        byLow.forEach(
                (low, high) ->
                        parts.add(grammar.chain(units(high), grammar.text("\\"), units(low))));
        return grammar.anyOf(parts);
    }

    private Expr units(BitSet units) {
        return grammar.chain(grammar.text("u"), digits(units, 0, DIGITS - 1));
    }

    private Expr digits(BitSet units, int base, int more) {
        int size = 16 << 4 * more;
        int next = units.nextSetBit(base);
        if (next < 0 || next >= base + size) {
            return grammar.nothing;
        }
        Map<Expr, BitSet> byRest = new LinkedHashMap<>();
        for (int digit = 0; digit < 16; digit++) {
            int below = base + (digit << 4 * more);
            Expr rest = more > 0 ? digits(units, below, more - 1) : last(units, below);
            BitSet bytes = byRest.computeIfAbsent(rest, _ -> new BitSet(256));
            bytes.set(Character.forDigit(digit, 16));
            bytes.set(Character.toUpperCase(Character.forDigit(digit, 16)));
        }
        List<Expr> parts = new ArrayList<>();
        byRest.forEach((rest, bytes) -> parts.add(grammar.chain(grammar.bytes(bytes), rest)));
        return grammar.anyOf(parts);
    }

    private Expr last(BitSet units, int unit) {
        return units.get(unit) ? grammar.empty : grammar.nothing;
    }
}
