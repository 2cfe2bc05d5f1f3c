package org.attune.trainers.grpo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.trainers.grpo.Normaliser.MicroBatchSize;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;

/// Two completions of three and two tokens with numbers worked out by hand.
class GrpoObjectiveTest {
    private static final double[][] POLICY = {{-0.8, -0.9, -1.5}, {-1, -0.6}};
    private static final double[][] OLD = {{-1, -0.5, -2}, {-0.7, -1.2}};
    private static final double[][] REFERENCE = {{-1.1, -0.4, -1.9}, {-0.9, -1}};
    private static final double[] ADVANTAGES = {1, -0.5};
    private static final PolicyLoss CLIPPED =
            new PolicyLoss.Clipped(0.2, 0.2, Double.POSITIVE_INFINITY);

    private static CompletionLogProbs row(int i, double[] policy) {
        double[] mask = new double[policy.length];
        Arrays.fill(mask, 1);
        return CompletionLogProbs.of(policy, mask, ADVANTAGES[i])
                .withOld(OLD[i])
                .withReference(REFERENCE[i]);
    }

    private static double loss(CompletionLoss objective, Normaliser normaliser) {
        var size = new MicroBatchSize(2, 5, 5, 1);
        double loss = 0;
        for (int i = 0; i < 2; i++) {
            CompletionLogProbs row = row(i, POLICY[i]);
            loss += normaliser.factor(size, row.counted()) * objective.evaluate(row).loss();
        }
        return loss;
    }

    private static GrpoObjective token(PolicyLoss loss) {
        return new GrpoObjective(loss, ImportanceSamplingLevel.TOKEN, 0, false);
    }

    @Test
    void everyAverageHasItsDenominator() {
        GrpoObjective objective = token(CLIPPED);
        assertEquals(-0.18395516, loss(objective, new Normaliser.PerSequence()), 1e-8);
        assertEquals(-0.35185213, loss(objective, new Normaliser.PerMicroBatch()), 1e-8);
        assertEquals(-0.10995379, loss(objective, new Normaliser.Constant(8)), 1e-8);
        assertEquals(-0.35185213, loss(objective, new Normaliser.PerWindow()), 1e-8);
    }

    /// Slopes of `−(4 / τ) σ(τ (e^x − 1)) A` by x, from mpmath with 60 digits. From x = 3.7 on `σ`
    /// is 1 in double.
    @Test
    void softGatesKeepTheirSlopeWhereItVanishes() {
        double[][] known = {
            {0, 1.5, -1.5},
            {0, -0.5, 0.5},
            {0.3, 1.5, -1.9640714970207512},
            {0.3, -0.5, 0.6526619306688014},
            {3, 1.5, -6.1985673124536573e-7},
            {3, -0.5, 7.956698489587508e-8},
            {3.7, 1.5, -1.7918193567228717e-15},
            {3.7, -0.5, 8.3097056194805443e-17},
            {-5, 1.5, -0.007973281652315724},
            {-5, -0.5, 0.0025965477327659504},
            {-40, 1.5, -5.0116628593653315e-18},
            {-40, -0.5, 1.6316012510399198e-18}
        };
        var gate = new PolicyLoss.Sapo(1, 1.05);
        for (double[] k : known) {
            double got = gate.term(k[0], -1, k[1]).byLogRatio();
            assertEquals(k[2], got, 1e-12 * Math.abs(k[2]), Arrays.toString(k));
        }
        assertEquals(0, gate.term(800, -1, 1.5).byLogRatio(), 0); // the ratio itself is infinite
        assertEquals(-6, gate.term(800, -1, 1.5).loss());
    }

    @Test
    void boundsOfTheRatioAreObeyed() {
        var wide = new PolicyLoss.Clipped(0.2, 0.28, Double.POSITIVE_INFINITY);
        assertEquals(-0.37213268, loss(token(wide), new Normaliser.PerMicroBatch()), 1e-8);
        var capped = new PolicyLoss.Clipped(0.2, 0.2, 1.5);
        assertEquals(-0.22422001, loss(token(capped), new Normaliser.PerSequence()), 1e-8);
        var cispo = new PolicyLoss.Cispo(0, 5);
        assertEquals(0.62728948, loss(token(cispo), new Normaliser.PerWindow()), 1e-8);
    }

    @Test
    void aSequenceSharesOneRatio() {
        var objective = new GrpoObjective(CLIPPED, ImportanceSamplingLevel.SEQUENCE, 0, false);
        assertEquals(-0.26212690, loss(objective, new Normaliser.PerSequence()), 1e-8);
        assertEquals(-1.07683926, loss(objective, new Normaliser.PerRow()), 1e-8);
    }

    @Test
    void klIsTheMeanOfK3() {
        var objective = new GrpoObjective(CLIPPED, ImportanceSamplingLevel.TOKEN, 1, false);
        double kl = 0;
        for (int i = 0; i < 2; i++) {
            kl += objective.evaluate(row(i, POLICY[i])).kl();
        }
        assertEquals(0.06707010, kl / 5, 1e-8);
    }

    /// Where nothing is a constant, slopes are derivatives.
    @Test
    void slopesAreDerivatives() {
        for (PolicyLoss loss : new PolicyLoss[] {CLIPPED, new PolicyLoss.Sapo(1, 1.05)}) {
            for (var level :
                    List.of(ImportanceSamplingLevel.TOKEN, ImportanceSamplingLevel.SEQUENCE)) {
                var objective = new GrpoObjective(loss, level, 0.3, true);
                for (int i = 0; i < 2; i++) {
                    double[] slopes = objective.evaluate(row(i, POLICY[i])).slopes();
                    for (int t = 0; t < slopes.length; t++) {
                        double h = 1e-6;
                        double up = shifted(objective, i, t, h);
                        double down = shifted(objective, i, t, -h);
                        assertEquals((up - down) / (2 * h), slopes[t], 1e-6, loss + " " + t);
                    }
                }
            }
        }
    }

    private static double shifted(CompletionLoss objective, int i, int t, double by) {
        double[] policy = POLICY[i].clone();
        policy[t] += by;
        return objective.evaluate(row(i, policy)).loss();
    }
}
