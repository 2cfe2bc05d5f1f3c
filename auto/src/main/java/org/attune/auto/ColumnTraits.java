package org.attune.auto;

import org.attune.auto.ColumnFacts.Trait;
import org.attune.datasets.rows.Row;

import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/// Measures what is true of a column's cells beside their kind and length.
final class ColumnTraits {
    /// A word with signs or digits within.
    private static final Pattern CODE =
            Pattern.compile("(?=\\S*[\\p{L}\\d])\\S+([_/\\\\=:<>{}#@]|\\.(?=\\w)|\\d)\\S*");

    /// Share of codes from which on a column holds no texts.
    private static final double CODES = 0.15;

    /// Mean rows in a row with the same value, from which on rows are sorted by it.
    private static final int RUN = 20;

    /// Share of rows by which those of one parity ask more often than the others, where speakers
    /// take turns.
    private static final double TURNS = 0.3;

    /// Words of the longest text in a list of tags.
    private static final int TAG = 4;

    /// First character of the scripts that write words together.
    private static final int JOINED = 0x0E00;

    private ColumnTraits() {}

    static Set<Trait> of(String name, List<Row> rows, List<Object> cells, int different) {
        Set<Trait> traits = EnumSet.noneOf(Trait.class);
        if (cells.isEmpty()) {
            return traits;
        }
        add(traits, Trait.WHOLE, all(cells, c -> isWhole(CellKind.number(c))));
        int runs = runs(name, rows);
        add(traits, Trait.SORTED, different > 2 && runs * RUN <= rows.size());
        boolean whole = cells.size() == rows.size();
        add(traits, Trait.RUNS, whole && runs == different && different <= rows.size() / 2);
        add(traits, Trait.BARS, CellKind.share(cells, c -> bars(c) >= 2) > 0.5);
        add(traits, Trait.TURNS, asksByTurns(name, rows));
        add(traits, Trait.CODES, CellKind.share(cells, ColumnTraits::isCode) > CODES);
        add(traits, Trait.JOINED, cells.stream().anyMatch(ColumnTraits::isJoined));
        add(traits, Trait.TEXT_LISTS, CellKind.share(cells, c -> TextList.of(c).isPresent()) > 0.9);
        double answers = CellKind.share(cells, c -> TextList.isAnswers(name, c));
        add(traits, Trait.ANSWER_LISTS, answers * cells.size() > 0.5 * rows.size());
        add(traits, Trait.TAG_LISTS, all(cells, c -> TextList.words(c) <= TAG));
        return traits;
    }

    private static void add(Set<Trait> traits, Trait trait, boolean holds) {
        if (holds) {
            traits.add(trait);
        }
    }

    private static boolean all(List<Object> cells, Predicate<Object> test) {
        return cells.stream().allMatch(test);
    }

    private static boolean isWhole(double number) {
        return number == Math.rint(number);
    }

    /// How often the value changes from row to row, and one more.
    private static int runs(String name, List<Row> rows) {
        int runs = 1;
        for (int row = 1; row < rows.size(); row++) {
            runs += Objects.equals(rows.get(row - 1).get(name), rows.get(row).get(name)) ? 0 : 1;
        }
        return runs;
    }

    private static long bars(Object cell) {
        return String.valueOf(cell).chars().filter(c -> c == '|').count();
    }

    private static boolean asksByTurns(String name, List<Row> rows) {
        double[] asking = new double[2];
        int read = Math.min(rows.size(), Asking.READ);
        for (int i = 0; i < read; i++) {
            Object cell = rows.get(i).get(name);
            asking[i % 2] += cell != null && Asking.asks(String.valueOf(cell)) ? 1 : 0;
        }
        return Math.abs(asking[0] - asking[1]) > TURNS * read;
    }

    private static boolean isCode(Object cell) {
        return CODE.matcher(String.valueOf(cell)).matches();
    }

    private static boolean isJoined(Object cell) {
        return String.valueOf(cell).codePoints().anyMatch(c -> c >= JOINED);
    }
}
