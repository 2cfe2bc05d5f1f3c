package org.attune.auto;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/// Names that say together what neither says alone, as `front` and `back` of a card, or `text` and
/// `summary` (`column-pairs.tsv`).
final class NamePairs {
    private static final List<Names> KNOWN =
            ColumnWords.lines("column-pairs.tsv").stream()
                    .map(line -> new Names(ColumnWords.words(line[0]), ColumnWords.words(line[1])))
                    .toList();

    private record Names(Set<String> asks, Set<String> tells) {}

    private NamePairs() {}

    /// Whether the first is a question or source, and the second what answers it.
    static boolean has(String asks, String tells) {
        return KNOWN.stream().anyMatch(k -> isOf(k.asks(), asks) && isOf(k.tells(), tells));
    }

    /// Whether two of the names belong together.
    static boolean isThere(List<String> names) {
        return names.stream().anyMatch(a -> names.stream().anyMatch(b -> has(a, b)));
    }

    /// Whether the name is there, or is but for a word as in `riddle_text` or `reference_summary`.
    private static boolean isOf(Set<String> names, String column) {
        String normal = ColumnWords.normal(column);
        return names.contains(normal)
                || names.contains(normal.replaceFirst("_(text|texts|txt|content|str)$", ""))
                || names.contains(
                        ColumnWords.split(column).stream()
                                .filter(word -> !ColumnWords.has(word, "gold"))
                                .collect(Collectors.joining("_")));
    }
}
