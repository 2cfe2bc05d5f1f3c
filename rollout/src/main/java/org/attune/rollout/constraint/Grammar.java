package org.attune.rollout.constraint;

import org.attune.error.ConfigException;
import org.attune.rollout.constraint.Expr.Kind;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// Makes expressions, each once, in a simplified form, and holds the rules that they call. Not
/// thread-safe.
final class Grammar {
    private static final BitSet NO_BYTES = new BitSet();

    /// Parts of all expressions: some hundred megabytes.
    private static final long MOST_PARTS = 4_000_000;

    private long parts;

    private final Map<Expr.Key, Expr> all = new HashMap<>();
    private final List<Expr> rules = new ArrayList<>();
    private final List<String> names = new ArrayList<>();
    private final BitSet called = new BitSet();
    final Expr nothing = make(Kind.NOTHING, List.of(), 0, 0);
    final Expr empty = make(Kind.EMPTY, List.of(), 0, 0);
    private final Expr everything = make(Kind.NOT, List.of(nothing), 0, 0);

    private Expr make(Kind kind, List<Expr> parts, int min, int max) {
        return make(new Expr.Key(kind, parts, NO_BYTES, min, max, 0));
    }

    private Expr make(Expr.Key key) {
        Expr known = all.get(key);
        if (known == null) {
            parts += 1 + key.parts().size();
            if (parts > MOST_PARTS) {
                throw new ConfigException(
                        "this constraint is too large to be followed; accepted: fewer alternatives,"
                                + " repetitions and keys");
            }
            known = new Expr(all.size(), key);
            key.parts().stream().filter(p -> p.kind == Kind.RULE).forEach(p -> called.set(p.min));
            all.put(key, known);
        }
        return known;
    }

    /// One byte of a set.
    Expr bytes(BitSet values) {
        return values.isEmpty()
                ? nothing
                : make(new Expr.Key(Kind.BYTES, List.of(), values, 0, 0, 0));
    }

    /// One byte of a range, both ends included.
    Expr bytes(int from, int to) {
        var values = new BitSet(256);
        values.set(from, to + 1);
        return bytes(values);
    }

    /// A text in UTF-8.
    Expr text(String text) {
        return behind(text.getBytes(StandardCharsets.UTF_8), 0, empty);
    }

    /// Some bytes before a language.
    private Expr behind(byte[] bytes, int from, Expr then) {
        Expr made = then;
        for (int i = bytes.length - 1; i >= from; i--) {
            made = chain(bytes(bytes[i] & 0xff, bytes[i] & 0xff), made);
        }
        return made;
    }

    private static int common(List<byte[]> texts) {
        byte[] first = texts.getFirst();
        int common = first.length;
        for (byte[] text : texts) {
            int mismatch = Arrays.mismatch(first, text);
            common = mismatch < 0 ? common : Math.min(common, mismatch);
        }
        return common;
    }

    /// One of some texts; common beginnings stand once.
    Expr texts(Collection<String> texts) {
        return texts(
                texts.stream().distinct().map(t -> t.getBytes(StandardCharsets.UTF_8)).toList(), 0);
    }

    private Expr texts(List<byte[]> texts, int from) {
        int common = common(texts);
        if (common > from) {
            byte[] first = Arrays.copyOf(texts.getFirst(), common);
            return behind(first, from, texts(texts, common));
        }
        var parts = new ArrayList<Expr>();
        Map<Integer, List<byte[]>> byFirst = new TreeMap<>();
        for (byte[] text : texts) {
            if (text.length == from) {
                parts.add(empty);
            } else {
                byFirst.computeIfAbsent(text[from] & 0xff, _ -> new ArrayList<>()).add(text);
            }
        }
        byFirst.forEach(
                (first, rest) -> parts.add(chain(bytes(first, first), texts(rest, from + 1))));
        return anyOf(parts);
    }

    Expr chain(Expr... parts) {
        Expr made = empty;
        for (int i = parts.length - 1; i >= 0; i--) {
            made = chain(parts[i], made);
        }
        return made;
    }

    /// One language behind another. Chains in the first one stay as they are: what ends together is
    /// looked up together when masks are made.
    Expr chain(Expr first, Expr then) {
        if (first == nothing || then == nothing) {
            return nothing;
        }
        if (first == empty) {
            return then;
        }
        return then == empty ? first : make(Kind.CHAIN, List.of(first, then), 0, 0);
    }

    /// @param min ≥ 0
    /// @param max ≥ min, or [Expr#ENDLESS]
    Expr repeat(Expr part, int min, int max) {
        if (max == 0 || part == empty || part == nothing && min == 0) {
            return empty;
        }
        if (part == nothing || min == 1 && max == 1) {
            return part;
        }
        if (part.kind == Kind.REPEAT && part.min == 0 && part.max == Expr.ENDLESS && max > 0) {
            return part;
        }
        return make(Kind.REPEAT, List.of(part), min, max);
    }

    Expr optional(Expr part) {
        return anyOf(List.of(empty, part));
    }

    Expr star(Expr part) {
        return repeat(part, 0, Expr.ENDLESS);
    }

    /// One of these; none: nothing.
    Expr anyOf(Collection<Expr> parts) {
        Set<Expr> flat = new LinkedHashSet<>();
        var single = new BitSet(256);
        for (Expr part : parts) {
            for (Expr each : part.kind == Kind.ANY_OF ? part.parts : List.of(part)) {
                if (each.kind == Kind.BYTES) {
                    single.or(each.bytes);
                } else if (each != nothing) {
                    flat.add(each);
                }
            }
        }
        if (flat.contains(everything)) {
            return everything;
        }
        if (!single.isEmpty()) {
            flat.add(bytes(single));
        }
        return joined(Kind.ANY_OF, flat, nothing);
    }

    /// All of these at once; none: everything.
    Expr allOf(Collection<Expr> parts) {
        Set<Expr> flat = new LinkedHashSet<>();
        for (Expr part : parts) {
            flat.addAll(part.kind == Kind.ALL_OF ? part.parts : List.of(part));
        }
        flat.remove(everything);
        return flat.contains(nothing) ? nothing : joined(Kind.ALL_OF, flat, everything);
    }

    private Expr joined(Kind kind, Set<Expr> flat, Expr ofNone) {
        if (flat.isEmpty()) {
            return ofNone;
        }
        if (flat.size() == 1) {
            return flat.iterator().next();
        }
        List<Expr> sorted = flat.stream().sorted(Comparator.comparingInt(part -> part.id)).toList();
        return make(kind, sorted, 0, 0);
    }

    /// All byte strings but those of a language that calls no rules.
    Expr not(Expr part) {
        return part.kind == Kind.NOT ? part.first() : make(Kind.NOT, List.of(part), 0, 0);
    }

    /// What the first language has and the second has not.
    Expr minus(Expr part, Expr without) {
        return allOf(List.of(part, not(without)));
    }

    /// Decimal numbers that a divisor divides when they are written with some places behind the
    /// point, without a sign.
    ///
    /// @param divisor ≥ 1
    /// @param places ≥ 0; fewer may be written
    Expr multipleOf(int divisor, int places) {
        return multiple(0, divisor, -1 - places);
    }

    /// @param rest of the digits so far
    /// @param places as [Expr#places]
    Expr multiple(int rest, int divisor, int places) {
        return make(new Expr.Key(Kind.MULTIPLE, List.of(), NO_BYTES, rest, divisor, places));
    }

    /// A rule whose body is given later.
    Expr newRule(String name) {
        rules.add(null);
        names.add(name);
        return make(Kind.RULE, List.of(), rules.size() - 1, 0);
    }

    void define(Expr rule, Expr body) {
        rules.set(rule.min, body);
    }

    /// Whether a part of an expression calls a rule.
    boolean isCalled(Expr rule) {
        return called.get(rule.min);
    }

    /// The body of a rule.
    Expr body(Expr rule) {
        return rules.get(rule.min);
    }

    String name(int rule) {
        return names.get(rule);
    }

    /// Bodies of all rules, by number.
    List<Expr> rules() {
        return rules;
    }

    /// How many different expressions there are.
    int size() {
        return all.size();
    }
}
