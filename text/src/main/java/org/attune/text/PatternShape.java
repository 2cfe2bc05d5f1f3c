package org.attune.text;

import java.util.Optional;

/// Checks that a regular expression of a `tokenizer.json` (Oniguruma's syntax) takes few steps for
/// any text. The native matcher goes back and forth without end in some, and ends the process when
/// it gives up, so those are refused: no repetition of what can be matched in several ways, few
/// repetitions in a row, no references.
final class PatternShape {
    private static final int LONGEST = 20_000;
    private static final int DEEPEST = 50;
    private static final int MOST_REPEATS = 1000;

    /// As many repetitions of what they repeat count as a part of the text that is written out.
    private static final int WRITTEN_OUT = 3;

    /// Steps grow with this power of the text's length.
    private static final int IN_A_ROW = 2;

    private static final int UNBOUNDED = Integer.MAX_VALUE;

    private final String pattern;
    private final boolean strict;
    private int at;
    private int depth;

    private PatternShape(String pattern, boolean strict) {
        this.pattern = pattern;
        this.strict = strict;
    }

    /// @param repeats most repetitions on one way through a part
    /// @param fixed whether it matches texts of one length, in one way
    /// @param empty whether it matches the empty text
    /// @param choices how often a match of the empty text can be had in another way
    private record Part(int repeats, boolean fixed, boolean empty, int choices) {}

    private static final class Refusal extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Refusal(String reason) {
            super(reason, null, false, false);
        }
    }

    /// What is wrong with a pattern; empty if nothing.
    static Optional<String> problem(String pattern) {
        if (pattern.isEmpty()) {
            return Optional.of("it is empty");
        }
        if (pattern.length() > LONGEST) {
            return Optional.of("it is longer than " + LONGEST + " characters");
        }
        try {
            var shape = new PatternShape(pattern, true);
            shape.alternatives();
            return shape.at < pattern.length()
                    ? Optional.of("a ) has no ( before it")
                    : Optional.empty();
        } catch (Refusal e) {
            return Optional.of(e.getMessage());
        }
    }

    /// How often a match of the empty text can be had in another way: each doubles the steps at
    /// the end of a text. For Java's syntax.
    ///
    /// @param pattern can be compiled
    static int emptyChoices(String pattern) {
        var shape = new PatternShape(pattern, false);
        int choices = 0;
        while (shape.at < pattern.length()) {
            choices = sum(choices, shape.alternatives().choices);
            shape.at++;
        }
        return choices;
    }

    private static int sum(int a, int b) {
        return (int) Math.min(UNBOUNDED, (long) a + b);
    }

    private void refuse(boolean wrong, String reason) {
        if (wrong && strict) {
            throw new Refusal(reason);
        }
    }

    private Part alternatives() {
        refuse(++depth > DEEPEST, "groups are nested deeper than " + DEEPEST);
        Part all = sequence();
        while (has('|')) {
            at++;
            Part next = sequence();
            int again = all.empty && next.empty ? 1 : 0;
            all =
                    new Part(
                            Math.max(all.repeats, next.repeats),
                            false,
                            all.empty || next.empty,
                            sum(sum(all.choices, next.choices), again));
        }
        depth--;
        return all;
    }

    private Part sequence() {
        Part all = new Part(0, true, true, 0);
        while (at < pattern.length() && !has('|') && !has(')')) {
            Part part = repeated(atom());
            all =
                    new Part(
                            sum(all.repeats, part.repeats),
                            all.fixed && part.fixed,
                            all.empty && part.empty,
                            sum(all.choices, part.choices));
            refuse(
                    all.repeats > IN_A_ROW,
                    "more than " + IN_A_ROW + " repetitions follow each other");
        }
        return all;
    }

    /// @param least fewest repetitions
    /// @param most most of them
    private record Times(int least, int most) {}

    /// Reads the quantifiers behind a part, of which each repeats what the one before it gives.
    private Part repeated(Part atom) {
        Part part = atom;
        for (Times times = quantifier(); times != null; times = quantifier()) {
            int most = times.most;
            if (most > WRITTEN_OUT) {
                refuse(
                        !part.fixed || part.repeats > 0,
                        "it repeats what can be matched in several ways");
            }
            int again = part.empty && times.least < most ? 1 : 0;
            long choices = (long) part.choices * (most == UNBOUNDED ? 1 : Math.max(1, most));
            part =
                    new Part(
                            most > WRITTEN_OUT ? 1 : part.repeats * Math.max(1, most),
                            most <= WRITTEN_OUT && part.fixed && times.least == most,
                            part.empty || times.least == 0,
                            sum((int) Math.min(UNBOUNDED, choices), again));
        }
        return part;
    }

    /// Steps over a quantifier, and the sign behind it that it is lazy or possessive; null if
    /// there is none.
    private Times quantifier() {
        if (has('*') || has('+') || has('?')) {
            var times = new Times(has('+') ? 1 : 0, has('?') ? 1 : UNBOUNDED);
            at++;
            if (has('?') || has('+')) {
                at++;
            }
            return times;
        }
        return has('{') ? interval() : null;
    }

    private Times interval() {
        int end = pattern.indexOf('}', at);
        String inside = end < 0 ? "" : pattern.substring(at + 1, end);
        if (!inside.matches("\\d{1,9}|\\d{0,9},\\d{1,9}|\\d{1,9},")) {
            return null; // an ordinary character
        }
        at = end + 1;
        String first = inside.substring(0, (inside + ",").indexOf(','));
        String last = inside.substring(inside.indexOf(',') + 1);
        int most = last.isEmpty() ? UNBOUNDED : Integer.parseInt(last);
        refuse(
                most > MOST_REPEATS && most < UNBOUNDED,
                "{" + inside + "} is more than " + MOST_REPEATS);
        if (has('?')) {
            at++;
        }
        return new Times(first.isEmpty() ? 0 : Integer.parseInt(first), most);
    }

    private Part atom() {
        char c = pattern.charAt(at);
        switch (c) {
            case '(' -> {
                return group();
            }
            case '[' -> skipClass();
            case '\\' -> {
                return new Part(0, true, skipEscape(), 0);
            }
            default -> at++;
        }
        return new Part(0, true, c == '^' || c == '$', 0);
    }

    private Part group() {
        boolean looks = false;
        at++;
        if (has('?')) {
            at++;
            if (has('#')) {
                int end = pattern.indexOf(')', at);
                at = end < 0 ? pattern.length() : end + 1;
                return new Part(0, true, true, 0);
            }
            looks = skipGroupKind();
            if (has(')')) { // (?i)
                at++;
                return new Part(0, true, true, 0);
            }
        }
        Part inside = alternatives();
        refuse(!has(')'), "a ( has no ) behind it");
        at++;
        return new Part(inside.repeats, inside.fixed, inside.empty || looks, inside.choices);
    }

    /// @return whether the group looks ahead or back, and takes nothing
    private boolean skipGroupKind() {
        boolean looks = has('=') || has('!');
        if (pattern.startsWith("<=", at) || pattern.startsWith("<!", at)) {
            looks = true;
            at += 2;
        } else if (has('<') || has('\'')) {
            int end = pattern.indexOf(has('<') ? '>' : '\'', at + 1);
            at = end < 0 ? pattern.length() : end + 1;
        } else if (has('=') || has('!') || has('>')) {
            at++;
        } else {
            while (at < pattern.length() && "imxadsuU-".indexOf(pattern.charAt(at)) >= 0) {
                at++;
            }
            if (has(':')) {
                at++;
            } else {
                refuse(!has(')'), "(? is followed by what is not supported");
            }
        }
        return looks;
    }

    private void skipClass() {
        at++;
        if (has('^')) {
            at++;
        }
        if (has(']')) {
            at++;
        }
        while (at < pattern.length() && !has(']')) {
            if (has('\\')) {
                at += 2;
            } else if (has('[')) {
                refuse(++depth > DEEPEST, "classes are nested deeper than " + DEEPEST);
                skipClass();
                depth--;
            } else {
                at++;
            }
        }
        at++;
    }

    /// @return whether what stands there takes nothing
    private boolean skipEscape() {
        at++;
        if (at >= pattern.length()) {
            refuse(true, "it ends with a \\");
            return true;
        }
        char c = pattern.charAt(at++);
        boolean refers = c >= '1' && c <= '9' || c == 'k' || c == 'g';
        refuse(refers, "it refers to a group");
        if ("pPxoNk".indexOf(c) >= 0 && (has('{') || has('<'))) {
            int end = pattern.indexOf(has('{') ? '}' : '>', at);
            at = end < 0 ? pattern.length() : end + 1;
        } else if (c == 'Q' && !strict) {
            int end = pattern.indexOf("\\E", at);
            at = end < 0 ? pattern.length() : end + 2;
        }
        return refers || "bBAzZG".indexOf(c) >= 0;
    }

    private boolean has(char c) {
        return at < pattern.length() && pattern.charAt(at) == c;
    }
}
