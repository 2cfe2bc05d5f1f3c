package org.attune.model.config;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.List;

class RopeTableTest {
    /// Golden values are transformers' (5.24, float32).
    private static final double FLOAT32 = 2e-7;

    @Test
    void unscaledFrequenciesArePowersOfTheBase() {
        // d = 4, θ = 100: 100^0 and 100^(-2/4)
        assertFrequencies(RopeTable.of(RopeConfig.of(100), 4, 1), 1e-12, 1, 0.1);
    }

    @Test
    void partialRotationCountsRotatedFeaturesOnly() {
        var half = new RopeConfig(100, 0.5, new RopeScaling.None());
        assertFrequencies(RopeTable.of(half, 8, 1), 1e-12, 1, 0.1);
    }

    /// Half of 4 pairs of a head of 8, with exponents by the whole head: 1 and 16^(−2/8) = 1/2.
    @Test
    void proportionalKeepsTheFirstFrequenciesAndTurnsNoOthers() {
        var half = new RopeConfig(16, 1, new RopeScaling.Proportional(0.5, 1));
        assertArrayEquals(
                new double[] {1, 0.5, 0, 0}, RopeTable.of(half, 8, 1).inverseFrequencies(), 1e-15);
        var divided = new RopeConfig(16, 1, new RopeScaling.Proportional(0.7, 4));
        assertArrayEquals(
                new double[] {0.25, 0.125, 0, 0},
                RopeTable.of(divided, 8, 1).inverseFrequencies(),
                1e-15);
        assertThrows(IllegalArgumentException.class, () -> new RopeScaling.Proportional(0, 1));
    }

    @Test
    void linearDividesAll() {
        var rope = new RopeConfig(100, 1, new RopeScaling.Linear(4));
        assertFrequencies(RopeTable.of(rope, 4, 1), 1e-12, 0.25, 0.025);
    }

    @Test
    void dynamicGrowsTheBaseBeyondTheOriginalLength() {
        var rope = new RopeConfig(10000, 1, new RopeScaling.Dynamic(2, 16));
        double[] plain = RopeTable.of(RopeConfig.of(10000), 16, 1).inverseFrequencies();
        assertFrequencies(RopeTable.of(rope, 16, 16), 1e-12, plain);
        assertFrequencies(RopeTable.of(rope, 16, 3), 1e-12, plain);
        assertFrequencies(
                RopeTable.of(rope, 16, 24),
                FLOAT32,
                1.0,
                0.2864149510860443,
                0.08203352987766266,
                0.023495633155107498,
                0.00672950129956007,
                0.001927429810166359,
                0.000552044715732336,
                0.0001581138785695657);
        assertTrue(rope.dependsOnLength());
        assertFalse(RopeConfig.of(10000).dependsOnLength());
    }

    @Test
    void llama3KeepsShortWavesAndDividesLongOnes() {
        var rope = new RopeConfig(500000, 1, new RopeScaling.Llama3(8, 1, 4, 16));
        assertFrequencies(
                RopeTable.of(rope, 16, 1),
                FLOAT32,
                0.5760563611984253,
                0.024240344762802124,
                0.004700753837823868,
                0.0009115831344388425,
                0.00017677668074611574,
                3.428102354519069e-05,
                6.647869668086059e-06,
                1.289173155782919e-06);
    }

    @Test
    void yarnBlendsByDimensionAndScalesAttention() {
        var rope =
                new RopeConfig(
                        10000, 1, new RopeScaling.Yarn(4, 1.138629436111989, 32, 1, 16, true));
        RopeTable table = RopeTable.of(rope, 16, 1);
        assertFrequencies(
                table,
                FLOAT32,
                1.0,
                0.07905694097280502,
                0.02500000037252903,
                0.007905694656074047,
                0.0024999999441206455,
                0.0007905694656074047,
                0.0002500000118743628,
                7.905694656074047e-05);
        assertEquals(1.138629436111989, table.attentionScaling());
    }

    @Test
    void divisorsApplyOneByOne() {
        var rope = new RopeConfig(100, 1, new RopeScaling.Divisors(List.of(2.0, 5.0), 1));
        assertFrequencies(RopeTable.of(rope, 4, 1), 1e-12, 0.5, 0.02);
    }

    @Test
    void impossibleValuesAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> RopeConfig.of(Double.NaN));
        assertThrows(IllegalArgumentException.class, () -> RopeConfig.of(1));
        assertThrows(
                IllegalArgumentException.class,
                () -> new RopeConfig(100, 1.5, new RopeScaling.None()));
    }

    private static void assertFrequencies(RopeTable table, double relative, double... expected) {
        assertEquals(expected.length, table.inverseFrequencies().length);
        for (int i = 0; i < expected.length; i++) {
            double got = table.inverseFrequencies()[i];
            assertTrue(
                    Math.abs(got - expected[i]) <= relative * expected[i],
                    i + ": " + got + " instead of " + expected[i]);
        }
    }
}
