package org.attune.trainers.heads;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.trainers.heads.HeadTask.Judged;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

class EntitiesTest {
    private static final List<String> LABELS = List.of("O", "B-PER", "I-PER", "B-LOC", "I-LOC");

    /// Words as they are labelled, and as the model labels them.
    private static List<Judged> sentence(String there, String said) {
        List<Judged> words = new ArrayList<>();
        String[] right = there.split(" ");
        String[] labels = said.split(" ");
        for (int i = 0; i < right.length; i++) {
            double[] scores = new double[LABELS.size()];
            scores[LABELS.indexOf(labels[i])] = 1;
            words.add(new Judged(scores, new double[] {LABELS.indexOf(right[i])}));
        }
        return words;
    }

    /// There are 7 entities and 7 are said, 4 of them right; seqeval 1.2.2 gives these numbers.
    @Test
    void entitiesAreRightWithKindAndBothEnds() {
        Map<String, Double> metrics =
                Entities.metrics(
                        LABELS,
                        List.of(
                                sentence("B-PER I-PER O B-LOC", "B-PER I-PER O B-PER"),
                                sentence("B-PER B-PER O O", "B-PER I-PER O I-LOC"),
                                sentence("O I-LOC I-LOC", "O B-LOC I-LOC"),
                                sentence("O O B-PER I-LOC", "O O B-PER B-LOC")));
        assertEquals(4.0 / 7, metrics.get("entity_precision"), 1e-12);
        assertEquals(4.0 / 7, metrics.get("entity_recall"), 1e-12);
        assertEquals(4.0 / 7, metrics.get("entity_f1"), 1e-12);
    }

    @Test
    void sentencesWithoutEntitiesHaveNone() {
        Map<String, Double> metrics = Entities.metrics(LABELS, List.of(sentence("O O", "O O")));
        assertEquals(0, metrics.get("entity_f1"));
    }

    @Test
    void onlyLabelsOfEntitiesName() {
        assertTrue(Entities.areNamedBy(LABELS));
        assertFalse(Entities.areNamedBy(List.of("O", "I-PER")));
        assertFalse(Entities.areNamedBy(List.of("O", "B-PER", "other")));
    }
}
