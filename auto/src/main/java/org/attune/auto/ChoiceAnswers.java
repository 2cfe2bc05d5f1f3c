package org.attune.auto;

import org.attune.datasets.rows.Row;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/// Choices of a question, and how a column says which of them is right.
///
/// @param columns that hold one choice each, or a single one with lists of them
/// @param key column that says which is right
/// @param reading how it says so
record ChoiceAnswers(List<String> columns, String key, Reading reading) {
    private static final double MOST = 0.98;
    private static final int LETTERS = 26;
    private static final Pattern LETTER =
            Pattern.compile("\\W*(?:[Oo]ption|[Cc]hoice|[Aa]nswer)?\\W*([A-Za-z])\\W*");

    /// How a choice is named.
    enum Reading {
        LETTER(1, "letters of the choices"),
        COLUMN(2, "names of the choices' columns"),
        TEXT(3, "texts of the choices"),
        FROM_ZERO(4, "places of the choices, from 0"),
        FROM_ONE(5, "places of the choices, from 1");

        private final int number;
        private final String words;

        Reading(int number, String words) {
            this.number = number;
            this.words = words;
        }

        /// The number by which facts of a table name the reading, from 1.
        int number() {
            return number;
        }

        /// The way of naming a choice, in words.
        String words() {
            return words;
        }
    }

    /// The choices and answers of a mapped table; empty where none fit.
    static Optional<ChoiceAnswers> of(SniffedTable table, TableMapping mapping) {
        return of(
                table.rows(),
                mapping.all(ColumnRole.CHOICE),
                mapping.column(ColumnRole.COMPLETION).orElseThrow());
    }

    /// The way in which nearly all rows with choices name one of them.
    ///
    /// @return empty if there is none, or there are several that name different choices
    static Optional<ChoiceAnswers> of(List<Row> rows, List<String> columns, String key) {
        List<Row> asked =
                rows.stream()
                        .filter(r -> count(choices(r, columns)) > 1 && r.get(key) != null)
                        .toList();
        List<ChoiceAnswers> found =
                Arrays.stream(Reading.values())
                        .map(reading -> new ChoiceAnswers(columns, key, reading))
                        .filter(a -> a.fits(asked))
                        .toList();
        if (found.isEmpty()) {
            return Optional.empty();
        }
        ChoiceAnswers first = found.getFirst();
        if (found.stream().allMatch(a -> a.agrees(first, asked))) {
            return Optional.of(first);
        }
        Reading counted = lastDigit(columns.getFirst()) == 0 ? Reading.FROM_ZERO : Reading.FROM_ONE;
        return found.size() == 2 && lastDigit(columns.getFirst()) >= 0
                ? found.stream().filter(a -> a.reading() == counted).findFirst()
                : Optional.empty();
    }

    private static int lastDigit(String column) {
        char last = column.charAt(column.length() - 1);
        return last >= '0' && last <= '9' ? last - '0' : -1;
    }

    private boolean fits(List<Row> asked) {
        long named = asked.stream().filter(row -> place(row) >= 0).count();
        return !asked.isEmpty() && named >= MOST * asked.size();
    }

    /// Whether both say the same of all rows in which both say something.
    boolean agrees(ChoiceAnswers other, List<Row> rows) {
        return rows.stream()
                .allMatch(
                        row -> {
                            int mine = place(row);
                            int others = other.place(row);
                            return mine < 0 || others < 0 || mine == others;
                        });
    }

    /// Whether the right choice stands at different places.
    boolean varies(List<Row> rows) {
        return rows.stream().mapToInt(this::place).filter(p -> p >= 0).distinct().count() > 1;
    }

    /// A row's choices in their order; null where one is missing.
    private static List<String> choices(Row row, List<String> columns) {
        if (columns.size() == 1) {
            return TextList.of(row.get(columns.getFirst())).orElse(List.of());
        }
        List<String> choices = new ArrayList<>();
        columns.forEach(c -> choices.add(MappedRows.text(row, Optional.of(c)).orElse(null)));
        return choices;
    }

    private static long count(List<String> choices) {
        return choices.stream().filter(c -> c != null && !c.isEmpty()).count();
    }

    /// Whether the row has choices.
    boolean isThere(Row row) {
        return count(choices(row, columns)) > 1;
    }

    /// Place of the right choice, from 0; −1 if the row doesn't say.
    private int place(Row row) {
        List<String> choices = choices(row, columns);
        String said = MappedRows.text(row, Optional.of(key)).orElse("");
        int place =
                switch (reading) {
                    case LETTER -> letter(said);
                    case COLUMN ->
                            columns.stream()
                                    .map(ColumnWords::normal)
                                    .toList()
                                    .indexOf(ColumnWords.normal(said));
                    case TEXT -> text(said, choices);
                    case FROM_ZERO -> number(said);
                    case FROM_ONE -> number(said) - 1;
                };
        boolean exists = place >= 0 && place < choices.size() && choices.get(place) != null;
        return exists ? place : -1;
    }

    private static int letter(String said) {
        Matcher letter = LETTER.matcher(said);
        return letter.matches() ? Character.toUpperCase(letter.group(1).charAt(0)) - 'A' : -1;
    }

    private static int number(String said) {
        double number = CellKind.number(said);
        return number == Math.rint(number) && Math.abs(number) < LETTERS ? (int) number : -1;
    }

    /// The only choice with the text.
    private static int text(String said, List<String> choices) {
        int[] same =
                IntStream.range(0, choices.size())
                        .filter(i -> said.equalsIgnoreCase(choices.get(i)))
                        .toArray();
        return same.length == 1 ? same[0] : -1;
    }

    /// Whether a cell names a place, and so says nothing where there are no choices.
    boolean isPlace(String said) {
        return switch (reading) {
            case LETTER -> letter(said) >= 0;
            case FROM_ZERO, FROM_ONE -> number(said) >= 0;
            case COLUMN, TEXT -> false;
        };
    }

    /// The right choice with its letter: `B. Paris`; empty if the row doesn't say.
    Optional<String> answer(Row row) {
        int place = place(row);
        return place < 0
                ? Optional.empty()
                : Optional.of(line(place, choices(row, columns).get(place)));
    }

    /// The question and its choices, one in each line; the question alone if it has them already.
    String asked(Row row, String question) {
        List<String> choices = choices(row, columns);
        if (choices.stream().allMatch(c -> c == null || question.contains(c))) {
            return question;
        }
        var lines = new StringBuilder(question);
        for (int i = 0; i < choices.size(); i++) {
            if (choices.get(i) != null) {
                lines.append('\n').append(line(i, choices.get(i)));
            }
        }
        return lines.toString();
    }

    private static String line(int place, String choice) {
        String letter = Character.toString('A' + place);
        String bare = choice.replaceFirst("^(?i)\\(?" + letter + "[.):]\\s+", "");
        return letter + ". " + bare;
    }
}
