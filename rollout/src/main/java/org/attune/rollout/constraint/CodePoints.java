package org.attune.rollout.constraint;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntPredicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// Sets of Unicode code points, without surrogates. `\d`, `\w` and `\s` are Unicode's (UTS 18,
/// annex C), as in Python's `regex`.
final class CodePoints {
    /// One above the largest code point.
    static final int END = Character.MAX_CODE_POINT + 1;

    private static final Map<String, Optional<BitSet>> CACHED = new ConcurrentHashMap<>();

    /// General categories by Java's numbers of them.
    private static final List<String> CATEGORIES =
            List.of(
                    ("Cn Lu Ll Lt Lm Lo Mn Me Mc Nd Nl No Zs Zl Zp Cc Cf - Co Cs Pd Ps Pe Pc Po Sm"
                                    + " Sc Sk So Pi Pf")
                            .split(" "));

    private CodePoints() {}

    static BitSet all() {
        var all = new BitSet(END);
        all.set(0, END);
        all.clear(Character.MIN_SURROGATE, Character.MAX_SURROGATE + 1);
        return all;
    }

    static BitSet of(int codePoint) {
        return range(codePoint, codePoint);
    }

    /// Code points of a range, both ends included.
    static BitSet range(int from, int to) {
        var set = new BitSet();
        set.set(from, to + 1);
        return set;
    }

    static BitSet not(BitSet set) {
        BitSet rest = all();
        rest.andNot(set);
        return rest;
    }

    static BitSet digits() {
        return cached("d", c -> Character.getType(c) == Character.DECIMAL_DIGIT_NUMBER);
    }

    static BitSet spaces() {
        var set = new BitSet();
        "\t\n\u000b\f\r \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000".chars().forEach(set::set);
        set.set(0x2000, 0x200b);
        return set;
    }

    static BitSet wordCharacters() {
        return cached(
                "w",
                c ->
                        switch (Character.getType(c)) {
                            case Character.NON_SPACING_MARK,
                                    Character.ENCLOSING_MARK,
                                    Character.COMBINING_SPACING_MARK,
                                    Character.DECIMAL_DIGIT_NUMBER,
                                    Character.CONNECTOR_PUNCTUATION ->
                                    true;
                            default -> Character.isAlphabetic(c) || c == 0x200c || c == 0x200d;
                        });
    }

    /// Code points with a property: a general category, a script or a binary property.
    ///
    /// @param name as between the braces of `\p{}`
    /// @return empty if no property is called so
    static Optional<BitSet> property(String name) {
        String asked = name.substring(name.indexOf('=') + 1);
        return CACHED.computeIfAbsent("p" + asked, _ -> matching(asked))
                .map(set -> (BitSet) set.clone());
    }

    private static Optional<BitSet> matching(String name) {
        if (!name.isEmpty() && CATEGORIES.stream().anyMatch(c -> c.startsWith(name))) {
            return Optional.of(having(c -> CATEGORIES.get(Character.getType(c)).startsWith(name)));
        }
        try {
            var script = Character.UnicodeScript.forName(name);
            return Optional.of(having(c -> Character.UnicodeScript.of(c) == script));
        } catch (IllegalArgumentException _) {
            return byPattern("\\p{Is" + name + "}");
        }
    }

    private static Optional<BitSet> byPattern(String pattern) {
        try {
            var compiled = Pattern.compile(pattern).asMatchPredicate();
            return Optional.of(having(c -> compiled.test(Character.toString(c))));
        } catch (PatternSyntaxException _) {
            return Optional.empty();
        }
    }

    private static BitSet cached(String name, IntPredicate predicate) {
        Optional<BitSet> known = CACHED.computeIfAbsent(name, _ -> Optional.of(having(predicate)));
        return (BitSet) known.orElseThrow().clone();
    }

    private static BitSet having(IntPredicate predicate) {
        BitSet set = all();
        for (int c = 0; c < END; c++) {
            if (set.get(c) && !predicate.test(c)) {
                set.clear(c);
            }
        }
        return set;
    }

    /// Adds what differs from a code point of the set by upper or lower case only.
    static BitSet inAnyCase(BitSet set) {
        var wide = (BitSet) set.clone();
        set.stream()
                .mapToObj(c -> Folds.ALIKE.get(fold(c)))
                .filter(same -> same != null)
                .forEach(same -> same.forEach(wide::set));
        return wide;
    }

    /// Made when it is first asked for.
    private static final class Folds {
        /// Characters that differ by case only, by what they have in common.
        static final Map<Integer, List<Integer>> ALIKE = alike();

        private static Map<Integer, List<Integer>> alike() {
            Map<Integer, List<Integer>> alike = new HashMap<>();
            for (int c = 0; c < END; c++) {
                int fold = fold(c);
                if (fold != c || Character.toUpperCase(c) != c) {
                    alike.computeIfAbsent(fold, _ -> new ArrayList<>(List.of(fold))).add(c);
                }
            }
            return alike;
        }
    }

    private static int fold(int codePoint) {
        return Character.toLowerCase(Character.toUpperCase(codePoint));
    }
}
