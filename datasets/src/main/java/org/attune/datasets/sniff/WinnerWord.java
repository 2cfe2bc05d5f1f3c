package org.attune.datasets.sniff;

import java.util.List;
import java.util.Map;

/// Which of two columns a word names as the better one.
final class WinnerWord {
    private static final Map<String, Integer> PLACES =
            Map.ofEntries(
                    Map.entry("a", 0),
                    Map.entry("1", 0),
                    Map.entry("1_0", 0),
                    Map.entry("one", 0),
                    Map.entry("first", 0),
                    Map.entry("left", 0),
                    Map.entry("x", 0),
                    Map.entry("b", 1),
                    Map.entry("2", 1),
                    Map.entry("2_0", 1),
                    Map.entry("two", 1),
                    Map.entry("second", 1),
                    Map.entry("right", 1),
                    Map.entry("y", 1));

    private WinnerWord() {}

    /// 0 or 1; -1 if the word names neither. A bare 0 names neither, since counting may begin at 0
    /// or at 1.
    static int place(Object value, List<String> columns) {
        String word = ColumnWords.normal(String.valueOf(value));
        for (int i = 0; i < 2; i++) {
            String column = ColumnWords.normal(columns.get(i));
            if (word.equals(column) || word.equals(ColumnCandidates.ending(columns.get(i)))) {
                return i;
            }
        }
        String last = word.replaceFirst(".*_(?=[^_]+$)", "");
        Integer whole = PLACES.get(word);
        return whole != null ? whole : word.equals(last) ? -1 : PLACES.getOrDefault(last, -1);
    }
}
