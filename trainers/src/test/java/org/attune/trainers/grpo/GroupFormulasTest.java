package org.attune.trainers.grpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.trainers.grpo.SamplerCorrection.Mode;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;

/// Two completions of three tokens with numbers worked out beforehand by numpy.
class GroupFormulasTest {
    private static final double[][] POLICY = {{-0.8, -0.9, -1.5}, {-1, -0.6, -3.2}};
    private static final double[][] OLD = {{-1, -0.5, -2}, {-0.7, -1.2, -3}};
    private static final double[][] REFERENCE = {{-1.1, -0.4, -1.9}, {-0.9, -1, -3}};
    private static final double[] ADVANTAGES = {1, -0.5};
    private static final PolicyLoss.Clipped CLIPPED =
            new PolicyLoss.Clipped(0.2, 0.2, Double.POSITIVE_INFINITY);

    private static CompletionLogProbs row(int i, double[] policy) {
        return CompletionLogProbs.of(policy, new double[] {1, 1, 1}, ADVANTAGES[i])
                .withOld(OLD[i])
                .withReference(REFERENCE[i]);
    }

    private static CompletionLogProbs row(int i) {
        return row(i, POLICY[i]);
    }

    private static List<boolean[]> chosen(TokenChoice choice) {
        return choice.of(
                List.of(row(0), row(1)),
                List.of(new double[] {0.5, 2, 1}, new double[] {3, 0.1, 1.5}),
                RandomSource.XO_SHI_RO_256_PP.create(1));
    }

    private static void assertSlopes(CompletionLoss loss) {
        for (int i = 0; i < 2; i++) {
            double[] slopes = loss.evaluate(row(i)).slopes();
            for (int t = 0; t < 3; t++) {
                double[] up = POLICY[i].clone();
                double[] down = POLICY[i].clone();
                up[t] += 1e-6;
                down[t] -= 1e-6;
                double change =
                        loss.evaluate(row(i, up)).loss() - loss.evaluate(row(i, down)).loss();
                assertEquals(change / 2e-6, slopes[t], 1e-7, loss + " " + i + "," + t);
            }
        }
    }

    /// Log-ratios 0.2, −0.4, 0.5 held below 0.4, and −0.3, 0.6, −0.2 held above −0.25.
    @Test
    void geometricMeansAreOfClippedRatios() {
        var loss = new GeometricMean(0.25, 0.4, 0);
        assertEquals(-1.0689391057472464, loss.evaluate(row(0)).loss(), 1e-12);
        assertEquals(0.525635548188012, loss.evaluate(row(1)).loss(), 1e-12);
        assertEquals(1, loss.evaluate(row(0)).high());
        assertEquals(1, loss.evaluate(row(1)).low());
        assertSlopes(new GeometricMean(0.25, 0.4, 0.3));
    }

    @Test
    void completionsHaveTheProductOfTheirTokensRatios() {
        var loss = new SequenceRatio(0.2, 0.5);
        assertEquals(-Math.exp(0.3), loss.evaluate(row(0)).loss(), 1e-12);
        assertEquals(0.5 * Math.exp(0.1), loss.evaluate(row(1)).loss(), 1e-12);
        assertEquals(1, new SequenceRatio(0.2, 0.3).evaluate(row(0)).high());
        assertSlopes(loss);
    }

    /// One ratio, `e^0.1`, as the sequence level has; its derivative goes to the token alone.
    @Test
    void tokensOfGspoTokenHaveTheSequencesRatio() {
        var token =
                new GrpoObjective(CLIPPED, ImportanceSamplingLevel.SEQUENCE_TOKEN, 0, false)
                        .evaluate(row(0));
        var sequence =
                new GrpoObjective(CLIPPED, ImportanceSamplingLevel.SEQUENCE, 0, false)
                        .evaluate(row(0));
        assertEquals(-3 * Math.exp(0.1), token.loss(), 1e-12);
        assertEquals(sequence.loss(), token.loss(), 1e-12);
        assertArrayEquals(sequence.slopes(), token.slopes(), 1e-12);
        var own =
                new GrpoObjective(CLIPPED, ImportanceSamplingLevel.SEQUENCE_TOKEN, 0, false)
                        .evaluate(row(0).withTokenAdvantages(new double[] {1, 0, 2}));
        double e = Math.exp(0.1);
        assertArrayEquals(new double[] {-e, 0, -2 * e}, own.slopes(), 1e-12);
    }

    @Test
    void everyTokenMayHaveItsAdvantage() {
        var loss = new GrpoObjective(CLIPPED, ImportanceSamplingLevel.TOKEN, 0, false);
        double[] own = {0.5, -2, 0};
        double expected = 0;
        for (int t = 0; t < 3; t++) {
            double ratio = Math.exp(POLICY[0][t] - OLD[0][t]);
            expected -= Math.min(ratio * own[t], Math.clamp(ratio, 0.8, 1.2) * own[t]);
        }
        assertEquals(expected, loss.evaluate(row(0).withTokenAdvantages(own)).loss(), 1e-12);
    }

    /// Sorted 0.1, 0.5, 1, 1.5, 2, 3: the quantile 0.6 is between the fourth number and itself.
    @Test
    void highestEntropiesAreChosen() {
        List<boolean[]> chosen = chosen(new TokenChoice.TopEntropy(0.4));
        assertArrayEquals(new boolean[] {false, true, false}, chosen.get(0));
        assertArrayEquals(new boolean[] {true, false, true}, chosen.get(1));
        // 0.6f · 5 is 1.2e-7 more than 3, and the quantile more than 1.5: so it is in torch.
        List<boolean[]> fewer =
                new TokenChoice.TopEntropy(0.4)
                        .of(
                                List.of(row(0), row(1)),
                                List.of(new double[] {0.5, 2.9, 1}, new double[] {3, 0.1, 1.5}),
                                RandomSource.XO_SHI_RO_256_PP.create(1));
        assertArrayEquals(new boolean[] {true, false, false}, fewer.get(1));
        var loss = new GrpoObjective(CLIPPED, ImportanceSamplingLevel.TOKEN, 0, false);
        double[] slopes = loss.evaluate(row(0).withChosen(chosen.get(0))).slopes();
        assertEquals(0, slopes[0]);
        assertTrue(slopes[1] != 0);
    }

    /// The first tokens of one prompt's completions have one entropy, computed in two places.
    @Test
    void equalEntropiesShareTheirFate() {
        List<boolean[]> chosen =
                new TokenChoice.TopEntropy(0.2)
                        .of(
                                List.of(row(0), row(1)),
                                List.of(
                                        new double[] {5.4914503f, 2, 1},
                                        new double[] {5.4914513f, 5.4914513f, 1.5}),
                                RandomSource.XO_SHI_RO_256_PP.create(1));
        assertArrayEquals(new boolean[] {true, false, false}, chosen.get(0));
        assertArrayEquals(new boolean[] {true, true, false}, chosen.get(1));
    }

    /// Covariances 0.4, 0.325, −0.125 and −0.25, −0.55, 1.4.
    @Test
    void covariancesChooseTokens() {
        List<boolean[]> most = chosen(new TokenChoice.KlCov(0.34));
        assertArrayEquals(new boolean[] {true, false, false}, most.get(0));
        assertArrayEquals(new boolean[] {false, false, true}, most.get(1));
        var loss =
                new GrpoObjective(
                        new PolicyLoss.KlCov(0.5), ImportanceSamplingLevel.TOKEN, 0, false);
        double sum = 0;
        for (int i = 0; i < 2; i++) {
            sum += loss.evaluate(row(i).withChosen(most.get(i))).loss();
        }
        assertEquals(-1.6496101878208331, sum, 1e-12);
        // Between 0.3 and 1: the first token is clipped anyway, so it is the second.
        List<boolean[]> left = chosen(new TokenChoice.ClipCov(0.5, 0.3, 1, CLIPPED));
        assertArrayEquals(new boolean[] {true, false, true}, left.get(0));
        assertArrayEquals(new boolean[] {true, true, true}, left.get(1));
        // One of the two at least, of a share that is less than a token.
        List<boolean[]> one = chosen(new TokenChoice.ClipCov(1e-4, 0.3, 2, CLIPPED));
        int out = 0;
        for (boolean[] row : one) {
            for (boolean kept : row) {
                out += kept ? 0 : 1;
            }
        }
        assertEquals(1, out);
    }

    private static float[] ratio(Mode mode, OptionalDouble most, OptionalDouble least) {
        // Of tokens e^0.5, 1 (not told), e^−1; the last doesn't count.
        return new SamplerCorrection(true, mode, most, least, OptionalDouble.empty())
                .ratio(
                        new float[] {-1, -1, -2, -1},
                        new float[] {-1.5f, Float.NaN, -1, -9},
                        new float[] {1, 1, 1, 0});
    }

    @Test
    void samplersRatiosAreBounded() {
        float up = (float) Math.exp(0.5);
        float down = (float) Math.exp(-1);
        OptionalDouble none = OptionalDouble.empty();
        assertArrayEquals(new float[] {up, 1, down, 1}, ratio(Mode.TOKEN_MASK, none, none), 1e-6f);
        assertArrayEquals(
                new float[] {0, 1, down, 1},
                ratio(Mode.TOKEN_MASK, OptionalDouble.of(1.5), none),
                1e-6f);
        assertArrayEquals(
                new float[] {1.5f, 1, 0.5f, 1},
                ratio(Mode.TOKEN_TRUNCATE, OptionalDouble.of(1.5), OptionalDouble.of(0.5)),
                1e-6f);
        assertArrayEquals(
                new float[] {(float) Math.exp(-0.5)},
                ratio(Mode.SEQUENCE_MASK, OptionalDouble.of(3), none),
                1e-6f);
        assertArrayEquals(
                new float[] {0}, ratio(Mode.SEQUENCE_MASK, OptionalDouble.of(0.6), none), 1e-6f);
        assertArrayEquals(
                new float[] {0.7f},
                ratio(Mode.SEQUENCE_TRUNCATE, none, OptionalDouble.of(0.7)),
                1e-6f);
    }

    @Test
    void policyThatMovedAwayLeavesWorseCompletionsOut() {
        // Mean of −0.3, 0.6, −0.2 less likely: −1/30 nats towards the policy.
        double[] weights = {1, 1, 1};
        new OffPolicyMask(-0.05).apply(row(1), OLD[1], weights);
        assertArrayEquals(new double[3], weights);
        Arrays.fill(weights, 1);
        new OffPolicyMask(-0.03).apply(row(1), OLD[1], weights);
        assertArrayEquals(new double[] {1, 1, 1}, weights);
        new OffPolicyMask(-9).apply(row(0), OLD[0], weights);
        assertArrayEquals(new double[] {1, 1, 1}, weights, "better than its group");
    }

    @Test
    void entropyLeadsItsWeight() {
        var control =
                new EntropyControl(
                        EntropyConfig.defaults()
                                .withUseAdaptiveEntropy(true)
                                .withEntropyCoef(0.01)
                                .withEntropyCoefMax(0.018)
                                .withEntropyTarget(1));
        assertEquals(0, control.applied(), "nothing is known in the first step");
        control.update(0.5);
        assertEquals(0.015, control.applied(), 1e-12);
        control.update(0.9);
        assertEquals(0.018, control.applied(), 1e-12);
        control.update(1.1);
        assertEquals(0, control.applied());
        assertEquals(0.013, control.coefficient(), 1e-12);
        var constant = new EntropyControl(EntropyConfig.defaults().withEntropyCoef(0.02));
        constant.update(9);
        assertEquals(0.02, constant.applied());
    }

    /// At log-ratios of ±500 everything is a number, and nothing that vanishes is NaN.
    @Test
    void nothingIsNanFarAway() {
        var losses =
                List.of(
                        new GrpoObjective(CLIPPED, ImportanceSamplingLevel.TOKEN, 0.1, true),
                        new GrpoObjective(CLIPPED, ImportanceSamplingLevel.SEQUENCE, 0.1, true),
                        new GrpoObjective(
                                new PolicyLoss.KlCov(1),
                                ImportanceSamplingLevel.SEQUENCE_TOKEN,
                                0.1,
                                false),
                        new GrpoObjective(
                                new PolicyLoss.Vespo(2, 3, 3, 2),
                                ImportanceSamplingLevel.TOKEN,
                                0,
                                false),
                        new GeometricMean(0.4, 0.4, 0.1),
                        new SequenceRatio(0.2, 0.2));
        for (CompletionLoss loss : losses) {
            for (double far : new double[] {-500, 500}) {
                for (double advantage : ADVANTAGES) {
                    CompletionLogProbs row =
                            CompletionLogProbs.of(
                                            new double[] {-1 + far, -0.5},
                                            new double[] {1, 1},
                                            advantage)
                                    .withOld(new double[] {-1, -0.5})
                                    .withReference(new double[] {-1, -0.5})
                                    .withWeights(new double[] {0, 1});
                    CompletionLoss.Result result = loss.evaluate(row);
                    assertFalse(Double.isNaN(result.loss()), loss + " " + far);
                    for (double slope : result.slopes()) {
                        assertFalse(Double.isNaN(slope), loss + " " + far);
                    }
                }
            }
        }
    }
}
