package org.attune.auto;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/// What a cell says about a completion, by its words (`value-words.tsv`).
final class Judgement {
    private static final Map<String, Set<String>> WORDS = read();

    private Judgement() {}

    private static Map<String, Set<String>> read() {
        Map<String, Set<String>> words = new HashMap<>();
        for (String[] line : ColumnWords.lines("value-words.tsv")) {
            words.put(line[0], Set.of(line[1].split(", ")));
        }
        return words;
    }

    private static boolean says(String what, String word) {
        return Objects.requireNonNull(WORDS.get(what), what).contains(word);
    }

    private static String word(Object value) {
        String text = String.valueOf(value).strip().toLowerCase(Locale.ROOT);
        if (says("good", text) || says("bad", text)) {
            return text;
        }
        String normal = ColumnWords.normal(text);
        return normal.isEmpty()
                ? text.replaceAll("\\p{M}|\\p{Sk}|\uFE0F|\uD83C[\uDFFB-\uDFFF]", "")
                : normal;
    }

    /// Whether the cell says good or bad; empty if it says neither.
    static Optional<Boolean> of(Object value) {
        String word = word(value);
        return says("good", word)
                ? Optional.of(true)
                : says("bad", word) ? Optional.of(false) : Optional.empty();
    }

    /// Whether the cell is a number or a plain truth value, which may mean anything.
    static boolean isBare(Object value) {
        return value instanceof Boolean || says("bare", word(value));
    }

    /// Whether the cell says that neither of two is better.
    static boolean isTie(Object value) {
        return says("tie", word(value));
    }

    /// Whether the cell is blank, or what programs write for no value.
    static boolean isMissing(String value) {
        return value.isBlank() || says("missing", value.strip());
    }

    /// Which of two columns a cell names as the better one: 0 or 1, or −1 for neither. A bare 0
    /// names neither, since counting may begin at 0 or at 1.
    static int winner(Object value, List<String> columns) {
        String word = ColumnWords.normal(String.valueOf(value));
        for (int i = 0; i < 2; i++) {
            String column = ColumnWords.normal(columns.get(i));
            if (word.equals(column) || word.equals(ColumnWords.ending(columns.get(i)))) {
                return i;
            }
        }
        String last = word.replaceFirst(".*_(?=[^_]+$)", "");
        for (String said : word.equals(last) ? List.of(word) : List.of(word, last)) {
            if (says("first", said) || says("second", said)) {
                return says("first", said) ? 0 : 1;
            }
        }
        return -1;
    }
}
