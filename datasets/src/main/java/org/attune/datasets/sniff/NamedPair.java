package org.attune.datasets.sniff;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Two names that say together what neither says alone, as `front` and `back` of a card, or `text`
/// and `summary` (`column-pairs.tsv`).
///
/// @param asks column of the question or source
/// @param tells column of what answers it
record NamedPair(String asks, String tells) {
    private static final double HALF = 0.5;
    private static final List<Names> KNOWN = read();

    private record Names(Set<String> asks, Set<String> tells) {}

    private static List<Names> read() {
        return ColumnWords.lines("column-pairs.tsv").stream()
                .map(line -> new Names(ColumnWords.words(line[0]), ColumnWords.words(line[1])))
                .toList();
    }

    /// The only pair of free columns of text with such names.
    static Optional<NamedPair> of(Draft draft) {
        List<String> texts =
                draft.free().stream()
                        .filter(c -> draft.columns().facts(c).kind() == ColumnFacts.Kind.TEXT)
                        .toList();
        List<NamedPair> pairs = new ArrayList<>();
        for (String asks : texts) {
            for (String tells : texts) {
                boolean known = KNOWN.stream().anyMatch(n -> fits(n, asks, tells));
                if (!asks.equals(tells) && known && !isOther(draft, asks, tells)) {
                    pairs.add(new NamedPair(asks, tells));
                }
            }
        }
        return pairs.size() == 1 ? Optional.of(pairs.getFirst()) : Optional.empty();
    }

    /// Whether a text beside a prompt is no answer: it has the prompt in it, as whole conversations
    /// do, or another column sorts or judges texts.
    private static boolean isOther(Draft draft, String asks, String tells) {
        if (!ColumnWords.strong(asks).contains(ColumnRole.PROMPT)
                || !ColumnWords.strong(tells).contains(ColumnRole.TEXT)) {
            return false;
        }
        boolean judged =
                draft.free().stream().anyMatch(c -> ClassGuess.isNamed(c) || ColumnWords.judges(c));
        return judged || new Extracts(draft.table()).share(asks, tells) > HALF;
    }

    /// Whether two of the names belong together.
    static boolean isThere(List<String> names) {
        return KNOWN.stream()
                .anyMatch(
                        known ->
                                names.stream().anyMatch(name -> isOf(known.asks(), name))
                                        && names.stream()
                                                .anyMatch(name -> isOf(known.tells(), name)));
    }

    private static boolean fits(Names names, String asks, String tells) {
        return isOf(names.asks(), asks) && isOf(names.tells(), tells);
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
