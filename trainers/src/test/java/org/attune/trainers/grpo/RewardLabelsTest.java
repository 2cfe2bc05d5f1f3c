package org.attune.trainers.grpo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/// Rewards as labels, by the formulas of [Zhai et al. 2026](https://arxiv.org/abs/2602.05630).
class RewardLabelsTest {
    private static final double TAU = 0.5;

    private final RewardLabels labels = new RewardLabels(TAU, 0);

    private static CompletionLogProbs row(double advantage, double[] logRatios, double... mask) {
        double[] policy = new double[logRatios.length];
        double[] old = new double[logRatios.length];
        for (int t = 0; t < policy.length; t++) {
            policy[t] = -1 - 0.1 * t;
            old[t] = policy[t] - logRatios[t];
        }
        return CompletionLogProbs.of(policy, mask, advantage).withOld(old);
    }

    private double loss(RewardLabels loss, List<CompletionLogProbs> group) {
        return group.stream()
                        .mapToDouble(r -> loss.evaluate(r.withShare(loss.share(r, group))).loss())
                        .sum()
                / group.size();
    }

    /// One right completion with s = 0.3, two wrong ones with s = −0.1 and 0.5:
    /// ```
    /// log(1 + exp(−0.6)) + log(1 + exp(−0.2) + exp(1)) = 0.437488 + 1.512269
    /// ```
    @Test
    void theLossIsTheOneWorkedByHand() {
        List<CompletionLogProbs> group =
                List.of(
                        row(1.4, new double[] {0.2, 0.4}, 1, 1),
                        row(-0.7, new double[] {-0.1, 9}, 1, 0),
                        row(-0.7, new double[] {0.3, 0.5, 0.7}, 1, 1, 1));
        double right = Math.log(1 + Math.exp(-0.6));
        double wrong = Math.log(1 + Math.exp(-0.2) + Math.exp(1));
        assertEquals(0.437488, right, 1e-6);
        assertEquals(1.512269, wrong, 1e-6);
        assertEquals(right + wrong, loss(labels, group), 1e-12);
        // Slopes by tokens: −1/τ · e^−0.6 / (1 + e^−0.6) / 2 tokens; the group has three rows.
        var first = group.getFirst();
        var result = labels.evaluate(first.withShare(labels.share(first, group)));
        double slope = -2 * Math.exp(-0.6) / (1 + Math.exp(-0.6)) / 2;
        assertArrayEquals(new double[] {3 * slope, 3 * slope}, result.slopes(), 1e-12);
        var second = group.get(1);
        result = labels.evaluate(second.withShare(labels.share(second, group)));
        double fall = 2 * Math.exp(-0.2) / (1 + Math.exp(-0.2) + Math.exp(1));
        assertArrayEquals(new double[] {3 * fall, 0}, result.slopes(), 1e-12);
    }

    @Test
    void aGroupOfOneLabelTeachesNothing() {
        for (double advantage : new double[] {0, 1}) {
            List<CompletionLogProbs> group =
                    List.of(
                            row(advantage, new double[] {0.2}, 1),
                            row(advantage, new double[] {-0.3}, 1));
            assertEquals(0, loss(labels, group));
            assertEquals(new RewardLabels.Share(0, 0), labels.share(group.getFirst(), group));
        }
    }

    /// A cut-off completion that doesn't count is no member of its group.
    @Test
    void aCompletionThatDoesNotCountIsLeftOut() {
        CompletionLogProbs right = row(1, new double[] {0.2}, 1);
        CompletionLogProbs wrong = row(-1, new double[] {0.1}, 1);
        CompletionLogProbs masked = row(-1, new double[] {5}, 0);
        List<CompletionLogProbs> all = List.of(right, wrong, masked);
        assertEquals(labels.share(right, List.of(right, wrong)), labels.share(right, all));
        assertEquals(new RewardLabels.Share(0, 0), labels.share(masked, all));
    }

    /// 200 random groups, each slope beside a central difference of the group's loss, with the pull
    /// to a reference; a logit's slope is never above 1 / τ.
    @Test
    void slopesAreDerivativesOfTheGroupsLoss() {
        UniformRandomProvider random = RandomSource.XO_SHI_RO_256_PP.create(3L);
        var pulled = new RewardLabels(0.3, 0.2);
        for (int round = 0; round < 200; round++) {
            List<CompletionLogProbs> group = new ArrayList<>();
            int size = 2 + random.nextInt(5);
            for (int i = 0; i < size; i++) {
                int tokens = 1 + random.nextInt(4);
                double[] logRatios = random.doubles(tokens, -2, 2).toArray();
                double[] mask = random.doubles(tokens).map(m -> m < 0.8 ? 1 : 0).toArray();
                group.add(
                        row(i == 0 ? 1 : random.nextInt(2) - 0.5, logRatios, mask)
                                .withReference(random.doubles(tokens, -3, 0).toArray()));
            }
            for (int i = 0; i < size; i++) {
                CompletionLogProbs own = group.get(i);
                RewardLabels.Share share = pulled.share(own, group);
                assertTrue(Math.abs(share.slope()) <= size / 0.3 + 1e-12);
                double[] slopes = pulled.evaluate(own.withShare(share)).slopes();
                for (int t = 0; t < slopes.length; t++) {
                    double expected =
                            (loss(pulled, moved(group, i, t, 1e-5))
                                            - loss(pulled, moved(group, i, t, -1e-5)))
                                    / 2e-5;
                    assertEquals(expected, slopes[t] / size, 1e-6, "round " + round);
                }
            }
        }
    }

    private static List<CompletionLogProbs> moved(
            List<CompletionLogProbs> group, int row, int token, double by) {
        List<CompletionLogProbs> moved = new ArrayList<>(group);
        double[] policy = group.get(row).policy().clone();
        policy[token] += by;
        moved.set(row, group.get(row).withPolicy(policy));
        return moved;
    }
}
