package org.attune.rollout.constraint;

import org.attune.error.ConfigException;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// Reads a regular expression as a language. Whole texts match. Groups only group; greedy, lazy and
/// possessive repetitions of the same bounds are equal, but for possessive ones that give nothing
/// back, which are refused. So are look-around, back-references, `\b` and anchors inside.
final class RegexReader {
    private static final int MOST_REPEATS = 100_000;
    private static final int MOST_DEEP = 200;

    private final Grammar grammar;
    private final String pattern;
    private final Function<BitSet, Expr> characters;
    private int at;
    private int depth; // of groups
    private boolean anyCase;
    private boolean dotAll;

    private RegexReader(Grammar grammar, String pattern, Function<BitSet, Expr> characters) {
        this.grammar = grammar;
        this.pattern = pattern;
        this.characters = characters;
    }

    /// Texts that match as a whole.
    ///
    /// @throws ConfigException naming the place, if the pattern is wrong or has what an automaton
    ///     can't do
    static Expr whole(Grammar grammar, String pattern) {
        return whole(grammar, pattern, set -> Utf8.oneOf(grammar, set));
    }

    /// Texts that match as a whole.
    ///
    /// @param characters how one character of a set is spelled
    static Expr whole(Grammar grammar, String pattern, Function<BitSet, Expr> characters) {
        return new RegexReader(grammar, pattern, characters).read(false);
    }

    /// Texts in which a match is found, as JSON schemas want it.
    ///
    /// @param characters how one character of a set is spelled
    static Expr search(Grammar grammar, String pattern, Function<BitSet, Expr> characters) {
        return new RegexReader(grammar, pattern, characters).read(true);
    }

    private Expr read(boolean searches) {
        Expr before = searches ? anything() : grammar.empty;
        List<Expr> parts = new ArrayList<>();
        do { // each alternative may have anchors
            boolean begins = skip("^");
            Expr middle = sequence();
            boolean ends = skip("$");
            parts.add(
                    grammar.chain(
                            begins ? grammar.empty : before,
                            middle,
                            ends || !searches ? grammar.empty : anything()));
        } while (skip("|"));
        if (at < pattern.length()) {
            throw wrong(pattern.charAt(at) == ')' ? "a ) without its (" : "an anchor inside", at);
        }
        return grammar.anyOf(parts);
    }

    private Expr anything() {
        return grammar.star(characters.apply(CodePoints.all()));
    }

    private Expr alternatives() {
        List<Expr> parts = new ArrayList<>();
        do {
            parts.add(sequence());
        } while (skip("|"));
        return grammar.anyOf(parts);
    }

    private Expr sequence() {
        List<Expr> parts = new ArrayList<>();
        while (at < pattern.length() && "|)$".indexOf(pattern.charAt(at)) < 0) {
            if (flagsApply()) {
                continue;
            }
            parts.add(repeated(atom()));
        }
        return grammar.chain(parts.toArray(Expr[]::new));
    }

    /// Takes `(?i)` and the like, which hold to the end of the group.
    private boolean flagsApply() {
        int end = pattern.indexOf(')', at);
        if (end < 0 || !pattern.substring(at, end + 1).matches("\\(\\?[isu]+\\)")) {
            return false;
        }
        setFlags(pattern.substring(at + 2, end));
        at = end + 1;
        return true;
    }

    private void setFlags(String flags) {
        anyCase |= flags.contains("i");
        dotAll |= flags.contains("s");
    }

    private Expr repeated(Expr atom) {
        Expr made = atom;
        while (at < pattern.length()) {
            int from = at;
            int[] bounds = bounds();
            if (bounds == null) {
                return made;
            }
            made = grammar.repeat(made, bounds[0], bounds[1]);
            if (!skip("?") && at < pattern.length() && pattern.charAt(at) == '+') {
                // In `a++` the second one repeats what the first does, as in Rust's regex.
                if (at + 1 < pattern.length() || bounds[0] != 1) {
                    throw wrong("a possessive repetition", from);
                }
                at++;
            }
        }
        return made;
    }

    /// Least and most repetitions, or null if none are asked for here.
    private int[] bounds() {
        if (skip("*")) {
            return new int[] {0, Expr.ENDLESS};
        }
        if (skip("+")) {
            return new int[] {1, Expr.ENDLESS};
        }
        if (skip("?")) {
            return new int[] {0, 1};
        }
        int end = pattern.indexOf('}', at);
        if (pattern.charAt(at) != '{' || end < 0) {
            return null;
        }
        String inside = pattern.substring(at + 1, end);
        if (!inside.matches("\\d{1,9}(,(\\d{1,9})?)?|,\\d{1,9}")) {
            return null;
        }
        String[] parts = inside.split(",", -1);
        int min = parts[0].isEmpty() ? 0 : Integer.parseInt(parts[0]);
        int max = min;
        if (parts.length > 1) {
            max = parts[1].isEmpty() ? Expr.ENDLESS : Integer.parseInt(parts[1]);
        }
        if (max < min || min > MOST_REPEATS || max != Expr.ENDLESS && max > MOST_REPEATS) {
            throw wrong(
                    "{%s}; accepted: least before most, up to %d".formatted(inside, MOST_REPEATS),
                    at);
        }
        at = end + 1;
        return new int[] {min, max};
    }

    private Expr atom() {
        int from = at;
        int c = next();
        return switch (c) {
            case '(' -> group(from);
            case '[' -> characters.apply(characterClass(from));
            case '.' -> character(dotAll ? CodePoints.all() : CodePoints.not(CodePoints.of('\n')));
            case '\\' -> character(escaped(from));
            case '^' -> throw wrong("an anchor inside", from);
            case '*', '+', '?' -> throw wrong("a repetition of nothing", from);
            default -> character(CodePoints.of(c));
        };
    }

    private Expr character(BitSet set) {
        return characters.apply(anyCase ? CodePoints.inAnyCase(set) : set);
    }

    private Expr group(int from) {
        if (++depth > MOST_DEEP) {
            throw wrong("more than " + MOST_DEEP + " groups inside of each other", from);
        }
        boolean outerCase = anyCase;
        boolean outerDot = dotAll;
        if (skip("?")) {
            int colon = pattern.indexOf(':', at);
            int name = pattern.indexOf('>', at);
            if (colon >= 0 && pattern.substring(at, colon).matches("[isu]*")) {
                setFlags(pattern.substring(at, colon));
                at = colon + 1;
            } else if (name >= 0 && pattern.substring(at, name).matches("P?<[A-Za-z_]\\w*")) {
                at = name + 1;
            } else {
                throw wrong("look-around or another kind of group, (?…", from);
            }
        }
        Expr inside = alternatives();
        if (!skip(")")) {
            throw at < pattern.length()
                    ? wrong("an anchor inside", at)
                    : wrong("a ( without its )", from);
        }
        depth--;
        anyCase = outerCase;
        dotAll = outerDot;
        return inside;
    }

    /// The characters that an escape means; the reader is behind the backslash.
    ///
    /// @param from where the backslash is
    private BitSet escaped(int from) {
        int c = next();
        return switch (c) {
            case 'd' -> CodePoints.digits();
            case 'D' -> CodePoints.not(CodePoints.digits());
            case 'w' -> CodePoints.wordCharacters();
            case 'W' -> CodePoints.not(CodePoints.wordCharacters());
            case 's' -> CodePoints.spaces();
            case 'S' -> CodePoints.not(CodePoints.spaces());
            case 'p' -> property(from);
            case 'P' -> CodePoints.not(property(from));
            case 'n' -> CodePoints.of('\n');
            case 't' -> CodePoints.of('\t');
            case 'r' -> CodePoints.of('\r');
            case 'f' -> CodePoints.of('\f');
            case 'v' -> CodePoints.of(0x0b);
            case 'a' -> CodePoints.of(0x07);
            case 'x' -> CodePoints.of(hex(2, from));
            case 'u' -> CodePoints.of(hex(4, from));
            case 'U' -> CodePoints.of(hex(8, from));
            default -> {
                if (c < 128 && Character.isLetterOrDigit(c)) {
                    throw wrong(
                            "\\%c, which is a back-reference, an anchor or unknown"
                                    .formatted((char) c),
                            from);
                }
                yield CodePoints.of(c);
            }
        };
    }

    /// Reads a class of characters, behind its opening bracket.
    private BitSet characterClass(int from) {
        boolean negated = skip("^");
        var set = new BitSet();
        boolean first = true;
        while (first || !skip("]")) {
            first = false;
            BitSet low = member(from);
            if (!skip("-")) {
                set.or(low);
            } else if (at < pattern.length() && pattern.charAt(at) == ']') {
                set.or(low);
                set.set('-');
            } else {
                set.or(range(low, member(from), from));
            }
        }
        BitSet wide = anyCase ? CodePoints.inAnyCase(set) : set;
        return negated ? CodePoints.not(wide) : wide;
    }

    private BitSet member(int from) {
        int c = next();
        if (c == '[' && skip(":")) {
            throw wrong("a class by name, [:…:]", from);
        }
        return c == '\\' ? escaped(at - 1) : CodePoints.of(c);
    }

    private BitSet range(BitSet low, BitSet high, int from) {
        if (low.cardinality() != 1 || high.cardinality() != 1 || low.length() > high.length()) {
            throw wrong("a range of characters that doesn't go up", from);
        }
        return CodePoints.range(low.length() - 1, high.length() - 1);
    }

    private BitSet property(int from) {
        String name = String.valueOf((char) next());
        if (name.equals("{")) {
            int end = pattern.indexOf('}', at);
            name = end < 0 ? "" : pattern.substring(at, end);
            at = end + 1;
        }
        boolean negated = name.startsWith("^");
        Optional<BitSet> set = CodePoints.property(negated ? name.substring(1) : name);
        if (set.isEmpty()) {
            throw wrong("an unknown property \\p{%s}".formatted(name), from);
        }
        return negated ? CodePoints.not(set.get()) : set.get();
    }

    private int hex(int digits, int from) {
        int end = Math.min(at + digits, pattern.length());
        if (at < pattern.length() && pattern.charAt(at) == '{') {
            at++;
            end = Math.max(pattern.indexOf('}', at), at);
            digits = 0;
        }
        String number = pattern.substring(at, end);
        at = digits == 0 ? end + 1 : end;
        if (!number.matches("[0-9a-fA-F]{1,8}") || number.length() < digits) {
            throw wrong("a broken escape", from);
        }
        int value = (int) Math.min(Long.parseLong(number, 16), CodePoints.END);
        boolean pair = Character.MIN_SURROGATE <= value && value <= Character.MAX_SURROGATE;
        if (value >= CodePoints.END || pair) {
            throw wrong("an escape of no character", from);
        }
        return value;
    }

    private int next() {
        if (at >= pattern.length()) {
            throw wrong("an end in the middle", at);
        }
        int c = pattern.codePointAt(at);
        at += Character.charCount(c);
        return c;
    }

    private boolean skip(String text) {
        boolean there = pattern.startsWith(text, at);
        at += there ? text.length() : 0;
        return there;
    }

    private ConfigException wrong(String what, int where) {
        return new ConfigException(
                "regular expression %s has %s at position %d; accepted: what an automaton can match"
                        .formatted(pattern, what, where));
    }
}
