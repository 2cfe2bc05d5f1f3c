package org.attune.trainers.heads;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.trainers.heads.HeadTask.Judged;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;

class HeadMetricsTest {
    private static Judged unit(double[] scores, double... target) {
        return new Judged(scores, target);
    }

    /// Said 0, 0, 1, 1 of 0, 1, 1, 1: F1 of class 0 is 2/3, of class 1 4/5.
    @Test
    void macroF1IsTheMeanOverClasses() {
        double[] zero = {1, 0, -5};
        double[] one = {0, 1, -5};
        Map<String, Double> metrics =
                HeadMetrics.classes(
                        List.of(unit(zero, 0), unit(zero, 1), unit(one, 1), unit(one, 1)));
        assertEquals(0.75, metrics.get("accuracy"));
        assertEquals((2.0 / 3 + 0.8) / 2, metrics.get("f1"), 1e-12);
        assertTrue(metrics.get("f1_low") < metrics.get("f1"), metrics.toString());
        assertEquals(1, metrics.get("f1_high"), metrics.toString());
    }

    /// Label 0 is said once and is there twice: F1 2/3; label 1 is always right.
    @Test
    void severalLabelsAreRightTogether() {
        Map<String, Double> metrics =
                HeadMetrics.severalClasses(
                        List.of(
                                unit(new double[] {1, 1}, 1, 1),
                                unit(new double[] {-1, -1}, 1, 0)));
        assertEquals(0.5, metrics.get("accuracy"));
        assertEquals((2.0 / 3 + 1) / 2, metrics.get("f1"), 1e-12);
    }

    /// Ranks 0, 1.5, 1.5, 3 against 0, 1, 2, 3: 4.5 / √(4.5 · 5) = 0.9486832981.
    @Test
    void tiesGetTheirMeanRank() {
        double[] said = {1, 2, 2, 9};
        double[] right = {-1, 0, 1, 2};
        assertEquals(0.9486832981, HeadMetrics.spearman(said, right), 1e-10);
        assertEquals(0, HeadMetrics.spearman(new double[] {1, 1}, new double[] {1, 2}));
    }

    /// The relevant document stands second: 1 / log₂ 3 = 0.6309297536, and 1 / 2.
    @Test
    void rankingsByHand() {
        Map<String, Double> metrics =
                HeadMetrics.rankings(
                        List.of(
                                unit(new double[] {2, 3, 1}, 1, 0, 0),
                                unit(new double[] {2, 3, 1}, 0, 0, 0)));
        assertEquals(0.6309297536, metrics.get("ndcg@10"), 1e-10);
        assertEquals(0.5, metrics.get("mrr@10"), 1e-12);
    }

    @Test
    void scoresThatAreAllAlikeGetNoCredit() {
        Map<String, Double> metrics =
                HeadMetrics.rankings(List.of(unit(new double[] {1, 1, 1, 1}, 1, 0, 0, 0)));
        assertEquals(0.25, metrics.get("mrr@10"), 1e-12);
    }
}
