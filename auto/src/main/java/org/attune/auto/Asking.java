package org.attune.auto;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;

/// Whether a text asks something: by its question mark, or else by words with which questions and
/// requests begin or end (`question-words.tsv`).
final class Asking {
    private static final Pattern MARK =
            Pattern.compile("(?s).*(?:[?？؟՞፧]|\\p{IsGreek}[;;])[\\s\"'»”)」]*");

    private static final Map<String, Set<String>> WORDS = read();

    private static final int END = 100;

    /// Cells of a column that are read.
    static final int READ = 1000;

    private Asking() {}

    private static Map<String, Set<String>> read() {
        Map<String, Set<String>> words = new HashMap<>();
        for (String[] line : ColumnWords.lines("question-words.tsv")) {
            words.computeIfAbsent(line[0], _ -> new HashSet<>()).addAll(ColumnWords.words(line[1]));
        }
        return words;
    }

    /// Share of texts that ask, from 0 to 1; 0 if there are none. Of many the first are read.
    static double share(List<String> texts) {
        return texts.stream().limit(READ).mapToInt(t -> asks(t) ? 1 : 0).average().orElse(0);
    }

    /// Whether one text asks.
    static boolean asks(String text) {
        if (MARK.matcher(text).matches()) {
            return true;
        }
        List<String> words = List.of(ColumnWords.normal(ends(text)).split("_"));
        boolean starts = set("starts").contains(words.getFirst());
        return starts
                || set("holds").stream().anyMatch(word -> holds(words, word))
                || set("ends").stream().anyMatch(words.getLast()::endsWith);
    }

    /// The text, or of a long one its beginning and its end.
    private static String ends(String text) {
        return text.length() <= 2 * END
                ? text
                : text.substring(0, END) + " " + text.substring(text.length() - END);
    }

    /// Scripts that write words together may have it within one.
    private static boolean holds(List<String> words, String word) {
        boolean apart = word.codePoints().allMatch(c -> c < 0x0E00);
        return apart ? words.contains(word) : words.stream().anyMatch(w -> w.contains(word));
    }

    private static Set<String> set(String name) {
        return Objects.requireNonNull(WORDS.get(name), name);
    }
}
