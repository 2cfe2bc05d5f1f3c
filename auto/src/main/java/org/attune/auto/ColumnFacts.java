package org.attune.auto;

import org.attune.datasets.formats.Transcript;
import org.attune.datasets.rows.Row;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/// What a column's cells hold.
///
/// @param named what the column is called
/// @param kind what most cells are
/// @param cells number of rows that have a value
/// @param filled share of rows that have a value
/// @param words mean number of words of a value
/// @param letters mean length of a value in characters
/// @param marks share of values that end with a question mark
/// @param asks share of values that ask, by marks or by words
/// @param min smallest number; NaN if they are no numbers
/// @param max largest number
/// @param different number of different values
/// @param values the different values, if they are at most [#SHOWN] and short
/// @param traits what else was seen
record ColumnFacts(
        ColumnName named,
        Kind kind,
        int cells,
        double filled,
        double words,
        double letters,
        double marks,
        double asks,
        double min,
        double max,
        int different,
        Set<String> values,
        Set<Trait> traits) {
    static final int SHOWN = 50;
    private static final int SHORT = 40;

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

    /// What is true of cells, or of their order.
    enum Trait {
        /// All numbers are whole.
        WHOLE,
        /// Rows lie sorted by three or more values, as by what they are about.
        SORTED,
        /// Equal values follow each other.
        RUNS,
        /// Most cells have two or more `|`.
        BARS,
        /// Every second cell asks, and those between don't.
        TURNS,
        /// Many cells are identities, files or commands, as `find_api` and `a/b.wav`.
        CODES,
        /// Characters of scripts that write words together.
        JOINED,
        /// Lists of texts.
        TEXT_LISTS,
        /// Lists of answers.
        ANSWER_LISTS,
        /// Lists or objects of numbers and short texts, such as tags.
        TAG_LISTS
    }

    static ColumnFacts of(String name, List<Row> rows) {
        List<Object> cells = new ArrayList<>();
        for (Row row : rows) {
            Object cell = row.get(name);
            if (cell != null && !(cell instanceof String text && text.isBlank())) {
                cells.add(cell);
            }
        }
        List<String> texts = cells.stream().map(c -> String.valueOf(c).strip()).toList();
        Set<String> values = new TreeSet<>(texts);
        double[] numbers = cells.stream().mapToDouble(CellKind::number).toArray();
        boolean numeric = numbers.length > 0;
        double min = Double.POSITIVE_INFINITY;
        double max = Double.NEGATIVE_INFINITY;
        for (double number : numbers) {
            numeric &= !Double.isNaN(number);
            min = Math.min(min, number);
            max = Math.max(max, number);
        }
        double words = mean(texts, t -> t.split("\\s+").length);
        boolean shown =
                values.size() <= SHOWN && values.stream().allMatch(v -> v.length() <= SHORT);
        return new ColumnFacts(
                ColumnName.of(name),
                CellKind.of(cells, numeric, words, values.size()),
                cells.size(),
                cells.size() / (double) rows.size(),
                words,
                mean(texts, String::length),
                mean(texts, t -> t.matches("(?s).*[?？؟][\"'»”)]?") ? 1 : 0),
                Asking.share(texts),
                numeric ? min : Double.NaN,
                numeric ? max : Double.NaN,
                values.size(),
                shown ? values : Set.of(),
                ColumnTraits.of(name, rows, cells, values.size()));
    }

    String name() {
        return named.text();
    }

    private static double mean(List<String> texts, ToDoubleFunction<String> of) {
        return texts.stream().mapToDouble(of).average().orElse(0);
    }

    boolean is(Trait trait) {
        return traits.contains(trait);
    }

    /// Whether a text may be in it, as prose or as a few words.
    boolean isTextual() {
        return kind == Kind.TEXT || kind == Kind.CATEGORY;
    }

    /// Rows of a value, on average.
    double recurs() {
        return different == 0 ? 0 : cells / (double) different;
    }

    private boolean all(Predicate<String> test) {
        return !values.isEmpty() && values.stream().allMatch(test);
    }

    /// Whether every value says good or bad, and both are there. 0 between −1 and 1 says neither.
    boolean judges() {
        boolean middle = kind == Kind.NUMBER && min == -1 && max == 1 && different > 2;
        return all(v -> Judgement.of(v).isPresent())
                && !middle
                && values.stream().map(v -> Judgement.of(v).orElseThrow()).distinct().count() == 2;
    }

    /// Whether every value says bad.
    boolean saysBad() {
        return all(v -> Judgement.of(v).filter(good -> !good).isPresent());
    }

    /// Whether the values are numbers or plain truth values, which may mean anything.
    boolean isBare() {
        return all(Judgement::isBare);
    }

    /// Whether all values name who speaks.
    boolean speaks() {
        return all(v -> Transcript.role(v).isPresent());
    }

    /// Whether all values are letters, as of choices.
    boolean holdsLetters() {
        return all(v -> v.matches("\\W?[A-Ha-h]\\W?"));
    }

    /// Whether some value is a word for a class.
    boolean holdsClassWords() {
        return values.stream().anyMatch(v -> ColumnWords.is(v, "classWord"));
    }

    /// Whether the column holds whole numbers of a small scale: 2 to 11 different ones from 0 to
    /// 10.
    boolean isScale() {
        return kind == Kind.NUMBER
                && is(Trait.WHOLE)
                && min >= 0
                && max <= 10
                && different >= 2
                && different <= 11;
    }

    /// Whether most rows have a number or mark that no other has.
    boolean countsRows() {
        return (kind == Kind.NUMBER || kind == Kind.MARK) && different > 0.5 * cells / filled;
    }
}
