package org.attune.trainers.grpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import java.util.OptionalDouble;

/// Two completions of three tokens, worked out in the comments.
class DivergenceFormulasTest {
    private static final double[][] POLICY = {{-0.8, -0.9, -1.5}, {-1, -0.6, -3.2}};
    private static final double[][] OLD = {{-1, -0.5, -2}, {-0.7, -1.2, -3}};
    private static final double[] ADVANTAGES = {1, -0.5};

    private static CompletionLogProbs row(int i) {
        return CompletionLogProbs.of(POLICY[i], new double[] {1, 1, 1}, ADVANTAGES[i])
                .withOld(OLD[i]);
    }

    private static CompletionLoss.Result dppo(PolicyDivergence divergence, int i) {
        var loss = new PolicyLoss.Dppo(divergence, 0.1, 0.085, 1.2);
        return new GrpoObjective(loss, ImportanceSamplingLevel.TOKEN, 0, false).evaluate(row(i));
    }

    /// Probabilities of the first: 0.449, 0.407, 0.223 from 0.368, 0.607, 0.135. The first rose by
    /// 0.081, the second fell, which its advantage doesn't want, the third rose by 0.088: too far.
    /// Ratios are 1.22, held at 1.2, and e^-0.4.
    @Test
    void tokensThatRoseTooFarAreLeftOut() {
        CompletionLoss.Result result = dppo(PolicyDivergence.BINARY_TV, 0);
        double second = Math.exp(-0.4);
        assertEquals(1.2 * 0.8 + second * 0.9, result.loss(), 1e-12);
        assertArrayEquals(new double[] {-1.2, -second, 0}, result.slopes(), 1e-12);
        assertEquals(1, result.high());
        assertEquals(0, result.low());
    }

    /// Of the second: 0.368, 0.549, 0.041 from 0.497, 0.301, 0.050. The first fell by 0.129: too
    /// far. The second rose, with a ratio held at 1.2, the third fell by 0.009.
    @Test
    void tokensThatFellTooFarAreLeftOut() {
        CompletionLoss.Result result = dppo(PolicyDivergence.BINARY_TV, 1);
        double third = 0.5 * Math.exp(-0.2);
        assertEquals(-0.6 * 0.6 - third * 3.2, result.loss(), 1e-12);
        assertArrayEquals(new double[] {0, 0.6, third}, result.slopes(), 1e-12);
        assertEquals(1, result.low());
        assertEquals(0, result.high());
    }

    /// 0.5 log 2 + 0.5 log(2/3) = 0.1438; the reverse 0.25 log 0.5 + 0.75 log 1.5 = 0.1308.
    @Test
    void divergencesAreThoseOfACoin() {
        double half = Math.log(0.5);
        double quarter = Math.log(0.25);
        assertEquals(0.25, PolicyDivergence.BINARY_TV.of(quarter, half), 1e-12);
        assertEquals(
                0.5 * Math.log(2) + 0.5 * Math.log(2 / 3.0),
                PolicyDivergence.BINARY_KL.of(quarter, half),
                1e-12);
        assertEquals(
                0.25 * Math.log(0.5) + 0.75 * Math.log(1.5),
                PolicyDivergence.BINARY_KL.of(half, quarter),
                1e-12);
        assertEquals(0, PolicyDivergence.BINARY_KL.of(0, 0), 1e-12);
    }

    /// 0.449 from 0.368 is 0.0137 nats, 0.223 from 0.135 is 0.0260.
    @Test
    void theBoundMayBeOnTheDivergenceOfKullbackAndLeibler() {
        var loss = new PolicyLoss.Dppo(PolicyDivergence.BINARY_KL, 0.02, 0.02, 20);
        double[] slopes =
                new GrpoObjective(loss, ImportanceSamplingLevel.TOKEN, 0, false)
                        .evaluate(row(0))
                        .slopes();
        assertArrayEquals(new double[] {-Math.exp(0.2), -Math.exp(-0.4), 0}, slopes, 1e-12);
    }

    private static FutureInfluence influence(double range, boolean highOnly, double safety) {
        return FutureInfluence.of(
                DivergenceConfig.defaults()
                        .withFipoDecayRate(1)
                        .withFipoClipRange(range)
                        .withFipoClipHighOnly(highOnly)
                        .withFipoSafetyThreshold(safety),
                OptionalDouble.empty());
    }

    /// Log-ratios 0.2, −0.4, 0.5, of which the next counts half: 0.125, −0.15, 0.5.
    @Test
    void tokensWeighByWhatFollows() {
        double[] free = influence(0, false, 9).weights(row(0));
        assertArrayEquals(
                new double[] {Math.exp(0.125), Math.exp(-0.15), Math.exp(0.5)}, free, 1e-12);
        double[] clipped = influence(0.1, false, 9).weights(row(0));
        assertArrayEquals(new double[] {1.1, 0.9, 1.1}, clipped, 1e-12);
        double[] high = influence(0.2, true, 9).weights(row(0));
        assertArrayEquals(new double[] {Math.exp(0.125), 1, 1.2}, high, 1e-12);
        double[] masked = influence(0, false, 9).weights(row(0).withMask(new double[] {1, 1, 0}));
        assertArrayEquals(new double[] {1, Math.exp(-0.4), 1}, masked, 1e-12);
    }

    /// The last ratio, 1.65, is above 1.5: 0.2 − 0.2, −0.4, 0 remain.
    @Test
    void ratiosAboveDeltaDoNotCountAsFuture() {
        var influence =
                FutureInfluence.of(
                        DivergenceConfig.defaults().withFipoDecayRate(1).withFipoClipRange(0),
                        OptionalDouble.of(1.5));
        assertArrayEquals(new double[] {1, Math.exp(-0.4), 1}, influence.weights(row(0)), 1e-12);
    }

    /// Log-ratios −0.3, 0.6, −0.2: the second's weight is e^0.5, its ratio 1.82.
    @Test
    void unlikelyTokensOfWorseCompletionsWeighNoMore() {
        double[] weights = influence(0, false, 1.5).weights(row(1));
        assertArrayEquals(new double[] {Math.exp(-0.05), 1, Math.exp(-0.2)}, weights, 1e-12);
    }
}
