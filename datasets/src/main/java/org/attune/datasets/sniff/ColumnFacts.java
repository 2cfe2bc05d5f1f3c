package org.attune.datasets.sniff;

import org.attune.datasets.rows.Row;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;

/// What a column's cells hold.
///
/// @param name of the column
/// @param kind what most cells are
/// @param filled share of rows that have a value
/// @param words mean number of words of a value
/// @param letters mean length of a value in characters
/// @param questions share of values that end with a question mark
/// @param min smallest number; NaN if they are no numbers
/// @param max largest number
/// @param whole whether all numbers are whole
/// @param values different values, as text; at most [#SHOWN]
/// @param different number of different values
record ColumnFacts(
        String name,
        Kind kind,
        double filled,
        double words,
        double letters,
        double questions,
        double min,
        double max,
        boolean whole,
        Set<String> values,
        int different) {
    static final int SHOWN = 50;
    static final String DATE =
            "\\d{4}[-/.]\\d{1,2}[-/.]\\d{1,2}([T ].*)?|\\d{1,2}[-/.]\\d{1,2}[-/.]\\d{2,4}( .*)?";
    static final String ADDRESS = "(https?://|www\\.)\\S+|\\S+@\\S+\\.\\w+";
    private static final String HASH =
            "[0-9a-fA-F]{8}-[0-9a-fA-F-]{9,}|[0-9a-fA-F]{16,}|[A-Za-z]{1,6}[-_]?\\d+";

    /// What cells are.
    enum Kind {
        EMPTY,
        MESSAGES,
        /// Lists or objects that are no messages.
        NESTED,
        NUMBER,
        /// Dates, addresses, identities.
        MARK,
        /// Short words that recur.
        CATEGORY,
        TEXT
    }

    /// Words or characters from which on a text may ask something.
    private static final int FEWEST_WORDS = 2;

    private static final int FEWEST_LETTERS = 12;

    /// Whether values are single words, or as few characters where words aren't apart: too short to
    /// ask something.
    boolean holdsWords() {
        return words < FEWEST_WORDS && letters < FEWEST_LETTERS;
    }

    static ColumnFacts of(String name, List<Row> rows) {
        List<Object> cells = new ArrayList<>();
        for (Row row : rows) {
            Object cell = row.get(name);
            if (cell != null && !(cell instanceof String text && text.isBlank())) {
                cells.add(cell);
            }
        }
        Map<String, Integer> counts = new HashMap<>();
        cells.forEach(cell -> counts.merge(String.valueOf(cell).strip(), 1, Integer::sum));
        List<Double> numbers = cells.stream().map(ColumnFacts::number).toList();
        boolean numeric = !cells.isEmpty() && numbers.stream().noneMatch(n -> n.isNaN());
        double words = mean(cells, c -> String.valueOf(c).strip().split("\\s+").length);
        return new ColumnFacts(
                name,
                kind(cells, numeric, words, counts.size()),
                cells.size() / (double) rows.size(),
                words,
                mean(cells, c -> String.valueOf(c).strip().length()),
                mean(cells, c -> String.valueOf(c).strip().matches("(?s).*[?？؟][\"'»”)]?") ? 1 : 0),
                numeric ? numbers.stream().mapToDouble(n -> n).min().orElse(0) : Double.NaN,
                numeric ? numbers.stream().mapToDouble(n -> n).max().orElse(0) : Double.NaN,
                numeric && numbers.stream().allMatch(n -> n == Math.rint(n)),
                counts.keySet().stream()
                        .limit(SHOWN)
                        .collect(Collectors.toCollection(TreeSet::new)),
                counts.size());
    }

    private static double mean(List<Object> cells, ToIntFunction<Object> of) {
        return cells.stream().mapToInt(of).average().orElse(0);
    }

    private static Kind kind(List<Object> cells, boolean numeric, double words, int different) {
        if (cells.isEmpty()) {
            return Kind.EMPTY;
        }
        if (share(cells, c -> ChatCell.of(c).isPresent()) > 0.9) {
            return Kind.MESSAGES;
        }
        if (share(cells, ColumnFacts::isNested) > 0.5) {
            return Kind.NESTED;
        }
        if (numeric && !(cells.getFirst() instanceof Boolean)) {
            return Kind.NUMBER;
        }
        if (share(cells, c -> matches(c, DATE) || matches(c, ADDRESS)) > 0.8
                || different > 0.9 * cells.size() && share(cells, c -> matches(c, HASH)) > 0.9) {
            return Kind.MARK;
        }
        boolean recurs = different <= Math.max(2, cells.size() * 0.5);
        return words < 4 && recurs ? Kind.CATEGORY : Kind.TEXT;
    }

    private static boolean isNested(Object cell) {
        return cell instanceof List
                || cell instanceof Map
                || cell instanceof String text
                        && (ChatCell.isPrinted(text) || isNumbers(text.strip()));
    }

    /// Whether it is a list of numbers, such as an embedding.
    private static boolean isNumbers(String text) {
        return text.startsWith("[")
                && text.endsWith("]")
                && text.chars().anyMatch(Character::isDigit)
                && text.chars().allMatch(c -> "[]+-.,;eE \t\r\n0123456789".indexOf(c) >= 0);
    }

    private static boolean matches(Object cell, String pattern) {
        return String.valueOf(cell).strip().matches(pattern);
    }

    private static double share(List<Object> cells, Predicate<Object> test) {
        return cells.stream().filter(test).count() / (double) cells.size();
    }

    /// A number, with a point or a comma before its fraction, in percent or out of 5, 10 or 100; a
    /// row of stars; NaN if it is none.
    static double number(Object cell) {
        if (cell instanceof Number number) {
            return number.doubleValue();
        }
        String text = String.valueOf(cell).strip();
        if (text.matches("★{1,5}☆{0,4}")) {
            return text.chars().filter(c -> c == '★').count();
        }
        text = text.replaceFirst("\\s*(%|/\\s*(5|10|100))$", "");
        return text.matches("[+-]?\\d{1,15}([.,]\\d{1,25})?([eE][+-]?\\d{1,3})?")
                ? Double.parseDouble(text.replace(',', '.'))
                : Double.NaN;
    }

    /// Whether every value says good or bad, and both are there.
    boolean judges() {
        return different <= SHOWN
                && values.stream().allMatch(v -> Judgement.of(v).isPresent())
                && !hasMiddle()
                && values.stream().map(v -> Judgement.of(v).orElseThrow()).distinct().count() == 2;
    }

    /// Whether 0 stands between −1 and 1.
    private boolean hasMiddle() {
        return kind == Kind.NUMBER
                && min == -1
                && max == 1
                && values.stream().anyMatch(v -> number(v) == 0);
    }

    /// Whether the values are numbers or plain truth values, which may mean anything.
    boolean isBare() {
        return values.stream().allMatch(Judgement::isBare);
    }

    /// Whether it holds whole numbers of a small scale.
    boolean isScale() {
        return kind == Kind.NUMBER
                && whole
                && min >= 0
                && max <= 10
                && different >= 2
                && different <= 11;
    }
}
