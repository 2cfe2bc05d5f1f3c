package org.attune.trainers.heads;

import org.attune.trainers.heads.HeadTask.Judged;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToIntFunction;

/// Entities of sentences whose words have labels in the form IOB2: `B-X` begins one of the kind X,
/// `I-X` goes on with it, and `O` belongs to none. They are counted as seqeval does without a mode:
/// `I-X` begins one where none of its kind goes on.
final class Entities {
    private static final String OUTSIDE = "O";
    private static final String BEGIN = "B-";
    private static final String INSIDE = "I-";

    private Entities() {}

    /// An entity of a sentence, from its first word to its last.
    private record Entity(int sentence, int first, int last, String kind) {}

    /// Whether these are labels of words in entities.
    static boolean areNamedBy(List<String> labels) {
        return labels.stream().anyMatch(label -> label.startsWith(BEGIN))
                && labels.stream()
                        .allMatch(
                                label ->
                                        label.equals(OUTSIDE)
                                                || label.startsWith(BEGIN)
                                                || label.startsWith(INSIDE));
    }

    /// Precision, recall and F1 over the entities of all sentences; an entity is right where its
    /// kind and both of its ends are. Each is 0 where it has no denominator.
    ///
    /// @param labels names of the classes
    /// @param sentences with their words
    static Map<String, Double> metrics(List<String> labels, List<List<Judged>> sentences) {
        Set<Entity> said = new HashSet<>();
        Set<Entity> there = new HashSet<>();
        for (int s = 0; s < sentences.size(); s++) {
            add(said, labels, s, sentences.get(s), word -> ScoreSums.largest(word.scores()));
            add(there, labels, s, sentences.get(s), word -> (int) word.target()[0]);
        }
        Set<Entity> right = new HashSet<>(said);
        right.retainAll(there);
        Map<String, Double> metrics = new LinkedHashMap<>();
        metrics.put("entity_precision", share(right.size(), said.size()));
        metrics.put("entity_recall", share(right.size(), there.size()));
        metrics.put("entity_f1", share(2 * right.size(), said.size() + there.size()));
        return metrics;
    }

    private static double share(int some, int all) {
        return all == 0 ? 0 : (double) some / all;
    }

    private static void add(
            Set<Entity> entities,
            List<String> labels,
            int sentence,
            List<Judged> words,
            ToIntFunction<Judged> label) {
        String open = ""; // kind of the entity that goes on
        int first = 0;
        for (int i = 0; i <= words.size(); i++) {
            String name = i < words.size() ? labels.get(label.applyAsInt(words.get(i))) : OUTSIDE;
            String kind = name.equals(OUTSIDE) ? "" : name.substring(BEGIN.length());
            if (kind.equals(open) && !name.startsWith(BEGIN)) {
                continue;
            }
            if (!open.isEmpty()) {
                entities.add(new Entity(sentence, first, i - 1, open));
            }
            open = kind;
            first = i;
        }
    }
}
