package org.attune.rollout.constraint;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Spells sets of characters in UTF-8: neither overlong forms nor surrogates.
final class Utf8 {
    private static final int[] FIRST = {0, 0x80, 0x800, 0x10000, CodePoints.END};
    private static final int[] LEAD = {0, 0xc0, 0xe0, 0xf0};

    private Utf8() {}

    /// One character of a set.
    static Expr oneOf(Grammar grammar, BitSet codePoints) {
        var all = (BitSet) codePoints.clone();
        all.clear(Character.MIN_SURROGATE, Character.MAX_SURROGATE + 1);
        List<Expr> parts = new ArrayList<>();
        parts.add(grammar.bytes(all.get(0, FIRST[1])));
        for (int more = 1; more <= 3; more++) {
            var set = (BitSet) all.clone();
            set.clear(0, FIRST[more]);
            set.clear(FIRST[more + 1], Math.max(FIRST[more + 1], set.length()));
            parts.add(new Spelling(grammar, set).from(0, more, LEAD[more], 64 >> more));
        }
        return grammar.anyOf(parts);
    }

    /// @param set characters of equally many bytes
    private record Spelling(Grammar grammar, BitSet set) {
        /// Characters from a base on.
        ///
        /// @param more bytes behind the next
        /// @param mark of the next byte
        /// @param values how many the next byte may have
        Expr from(int base, int more, int mark, int values) {
            int shift = 6 * more;
            int next = set.nextSetBit(base);
            if (next < 0 || next >= base + ((long) values << shift)) {
                return grammar.nothing;
            }
            if (more == 0) {
                var bytes = new BitSet(256);
                set.get(base, base + values).stream().forEach(i -> bytes.set(mark + i));
                return grammar.bytes(bytes);
            }
            Map<Expr, BitSet> byRest = new LinkedHashMap<>();
            for (int value = 0; value < values; value++) {
                int below = base + (value << shift);
                Expr rest = from(below, more - 1, 0x80, 64);
                byRest.computeIfAbsent(rest, _ -> new BitSet(256)).set(mark + value);
            }
            List<Expr> parts = new ArrayList<>();
            byRest.forEach((rest, bytes) -> parts.add(grammar.chain(grammar.bytes(bytes), rest)));
            return grammar.anyOf(parts);
        }
    }
}
