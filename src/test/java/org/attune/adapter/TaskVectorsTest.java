package org.attune.adapter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.AdapterCombination.Kind;
import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// Sums, choices and majorities against numbers worked by hand.
class TaskVectorsTest {
    private static final List<float[]> TWO =
            List.of(new float[] {4, -1, 2, -3}, new float[] {-1, 2, 5, -2});

    private static final double[] WEIGHTS = {0.5, 2};

    private static float[] combine(Kind kind, double density, boolean byCount) {
        var random = RandomSource.XO_SHI_RO_256_PP.create(1L);
        return new TaskVectors(density, byCount, random).combine(kind, TWO, WEIGHTS);
    }

    @Test
    void sumsHaveWeights() {
        assertArrayEquals(new float[] {0, 3.5f, 11, -5.5f}, combine(Kind.LINEAR, 1, false));
    }

    /// Of the first 4 and -3 stay, of the second 5 and the first of two with magnitude 2.
    @Test
    void theLargestStay() {
        assertArrayEquals(new float[] {2, 4, 10, -1.5f}, combine(Kind.MAGNITUDE_PRUNE, 0.5, false));
        assertArrayEquals(new float[4], combine(Kind.MAGNITUDE_PRUNE, 0.2, false));
    }

    /// Sums are 3, 1, 7 and -5; of the first two numbers one update each has their sign.
    @Test
    void signsOfSumsDecide() {
        assertArrayEquals(new float[] {2, 4, 5.5f, -2.75f}, combine(Kind.TIES, 1, false));
    }

    /// One of each sign is a majority of positive ones.
    @Test
    void signsOfCountsDecide() {
        List<float[]> three =
                List.of(new float[] {-1, 9}, new float[] {-1, -1}, new float[] {9, -1});
        var vectors = new TaskVectors(1, true, null);
        assertArrayEquals(
                new float[] {-1.5f, -2.5f},
                vectors.combine(Kind.TIES, three, new double[] {1, 2, 3}));
        assertArrayEquals(
                new float[] {27, 9},
                new TaskVectors(1, false, null).combine(Kind.TIES, three, new double[] {1, 2, 3}));
        assertArrayEquals(new float[] {2, 4, 5.5f, -2.75f}, combine(Kind.TIES, 1, true));
    }

    @Test
    void dareKeepsTheExpectation() {
        float[] ones = new float[4000];
        Arrays.fill(ones, 1);
        var random = RandomSource.XO_SHI_RO_256_PP.create(1L);
        float[] drawn =
                new TaskVectors(0.25, false, random)
                        .combine(Kind.DARE_LINEAR, List.of(ones), new double[] {1});
        double sum = 0;
        for (float value : drawn) {
            assertTrue(value == 0 || value == 4);
            sum += value;
        }
        assertEquals(4000, sum, 400);
        assertArrayEquals(combine(Kind.TIES, 1, false), combine(Kind.DARE_TIES, 1, false));
    }

    private static void refused(String part, Kind kind, Integer rank, Double clamp, Double share) {
        var e =
                assertThrows(
                        ConfigException.class,
                        () ->
                                new AdapterCombination(
                                        kind,
                                        List.of(1.0),
                                        rank == null ? OptionalInt.empty() : OptionalInt.of(rank),
                                        optional(clamp),
                                        optional(share),
                                        false,
                                        1));
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }

    private static OptionalDouble optional(Double value) {
        return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
    }

    @Test
    void valuesAreChecked() {
        refused("density is missing", Kind.TIES, null, null, null);
        refused("density is 0.5; linear has none", Kind.LINEAR, null, null, 0.5);
        refused("accepted: (0, 1]", Kind.DARE_TIES, null, null, 0.0);
        refused("accepted: (0, 1]", Kind.SVD, null, 1.5, null);
        refused("not with cat", Kind.CAT, 3, null, null);
        refused("svd_rank is 0", Kind.SVD, 0, null, null);
    }
}
