package org.attune.reward;

import org.attune.error.RewardException;

import java.util.Arrays;
import java.util.Optional;
import java.util.function.IntToDoubleFunction;

/// Advantages of REINFORCE with baselines, none of which needs a critic. `r` is a completion's
/// weighted reward. A completion without any reward has advantage 0 and takes no part in baselines,
/// means and deviations. Computed in double precision.
final class ReinforceAdvantages {
    /// Least variance, so that equal advantages aren't divided by 0; OpenRLHF's.
    private static final double LEAST_VARIANCE = 1e-8;

    private ReinforceAdvantages() {}

    /// REINFORCE++ ([Hu 2025](https://arxiv.org/abs/2501.03262)): what a token earns
    /// from there on, standardised over the counted tokens of the round.
    /// ```
    /// A_t = r − β Σ_{s ≥ t} KL_s,    then (A_t − mean) / std
    /// ```
    /// KL is `log π_old − log π_ref`. The deviation is that of the round itself (divided by n).
    ///
    /// @param beta β, weight of the divergence
    static Advantages plain(GroupedRewards round, double beta) {
        double[][] tokens = new double[round.table().size()][];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = earned(round, i, beta);
        }
        return standardised(round, tokens);
    }

    private static double[] earned(GroupedRewards round, int i, double beta) {
        double[] mask = round.masks()[i];
        double[] earned = new double[mask.length];
        double sum = round.table().total(i);
        for (int t = mask.length - 1; t >= 0; t--) {
            if (round.divergences().isPresent()) {
                sum -= beta * mask[t] * round.divergences().get()[i][t];
            }
            earned[t] = sum;
        }
        return earned;
    }

    /// REINFORCE++ with a baseline ([Hu 2025](https://arxiv.org/abs/2501.03262)):
    /// rewards less the mean of their group, standardised over the counted tokens of the round.
    static Advantages centred(GroupedRewards round) {
        double[] values = less(round, g -> mean(round, g, _ -> 1));
        double[][] tokens = new double[values.length][];
        for (int i = 0; i < values.length; i++) {
            tokens[i] = new double[round.masks()[i].length];
            Arrays.fill(tokens[i], values[i]);
        }
        return standardised(round, tokens);
    }

    /// ReMax ([Li et al. 2023](https://arxiv.org/abs/2310.10505)): `A = r − r_greedy`, where
    /// the baseline is what the prompt's likeliest completion gets. Without that reward it is 0.
    static Advantages greedy(GroupedRewards round) {
        double[] values = new double[round.table().size()];
        for (int i = 0; i < values.length; i++) {
            double baseline = round.baselines().orElseThrow()[i];
            values[i] = orZero(round.table().total(i) - (Double.isNaN(baseline) ? 0 : baseline));
        }
        return of(round, values, Optional.empty());
    }

    /// OPO ([Hao et al. 2025](https://arxiv.org/abs/2505.23585)): rewards less the group's
    /// mean with their lengths as weights, the baseline of least variance if gradients grow with
    /// length.
    /// ```
    /// A = r − Σ_j |y_j| r_j / Σ_j |y_j|
    /// ```
    static Advantages optimal(GroupedRewards round) {
        double[] values = less(round, g -> mean(round, g, round::tokens));
        for (int i = 0; i < values.length; i++) {
            values[i] = orZero(values[i]);
        }
        return of(round, values, Optional.empty());
    }

    /// MaxRL ([Tajwar et al. 2026](https://arxiv.org/abs/2602.02710)): rewards less the group's
    /// mean, over that mean, whose gradient is that of the logarithm of a prompt's success.
    /// ```
    /// A = (r − mean r) / mean r,    0 where no completion of the group is rewarded
    /// ```
    ///
    /// @throws RewardException if a reward is negative: a share of successes has none
    static Advantages relative(GroupedRewards round) {
        double[] values = new double[round.table().size()];
        for (int i = 0; i < values.length; i++) {
            double reward = round.table().total(i);
            if (reward < 0) {
                throw new RewardException(
                        ("advantage_estimator maxrl: the weighted reward of completion %d of a"
                                        + " round is %s; accepted: rewards >= 0, such as 1 for a"
                                        + " right answer and 0 for others")
                                .formatted(i + 1, reward));
            }
            double mean = mean(round, i / round.generations(), _ -> 1);
            values[i] = mean > 0 ? orZero((reward - mean) / mean) : 0;
        }
        return of(round, values, Optional.empty());
    }

    /// OTB ([Li et al. 2026](https://arxiv.org/abs/2602.07078)): each token's reward less
    /// the group's mean at its place, weighted by how far the gradients up to there reach.
    /// ```
    /// A_t = r − Σ_j W_j,t r_j / Σ_j W_j,t,    W_t = Σ_{s ≤ t} (1 − 2 π_s + Σ_v π_v²)
    /// ```
    /// The sums are over completions whose token at that place counts. Where the longest alone is
    /// left, its baseline is 0, as in verl.
    static Advantages optimalOfTokens(GroupedRewards round) {
        double[][] reached = reached(round);
        double[][] tokens = new double[reached.length][];
        double[] values = new double[reached.length];
        for (int i = 0; i < tokens.length; i++) {
            double reward = orZero(round.table().total(i));
            boolean judged = !Double.isNaN(round.table().total(i));
            tokens[i] = new double[reached[i].length];
            for (int t = 0; judged && t < tokens[i].length; t++) {
                if (round.masks()[i][t] != 0) {
                    tokens[i][t] = reward - baseline(round, reached, i / round.generations(), t);
                }
            }
            values[i] = firstCounted(tokens[i], round.masks()[i]);
        }
        return of(round, values, Optional.of(tokens));
    }

    /// `W`, in the form of the masks.
    private static double[][] reached(GroupedRewards round) {
        double[][] reached = new double[round.masks().length][];
        for (int i = 0; i < reached.length; i++) {
            double[] mask = round.masks()[i];
            reached[i] = new double[mask.length];
            double sum = 0;
            for (int t = 0; t < mask.length; t++) {
                sum += mask[t] * round.energies().orElseThrow()[i][t];
                reached[i][t] = sum;
            }
        }
        return reached;
    }

    private static double baseline(GroupedRewards round, double[][] reached, int group, int t) {
        double sum = 0;
        double weights = 0;
        double rewards = 0;
        int left = 0;
        int from = group * round.generations();
        for (int i = from; i < from + round.generations(); i++) {
            double reward = round.table().total(i);
            if (t < reached[i].length && round.masks()[i][t] != 0 && !Double.isNaN(reward)) {
                sum += reached[i][t] * reward;
                weights += reached[i][t];
                rewards += reward;
                left++;
            }
        }
        if (left <= 1) {
            return 0;
        }
        return weights > 0 ? sum / weights : rewards / left;
    }

    private static double firstCounted(double[] values, double[] mask) {
        for (int t = 0; t < values.length; t++) {
            if (mask[t] != 0) {
                return values[t];
            }
        }
        return 0;
    }

    /// Rewards less a number of their group, `(N)`; NaN where there is no reward.
    private static double[] less(GroupedRewards round, IntToDoubleFunction baseline) {
        double[] values = new double[round.table().size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = round.table().total(i) - baseline.applyAsDouble(i / round.generations());
        }
        return values;
    }

    /// Weighted mean of a group's rewards; NaN without any.
    private static double mean(GroupedRewards round, int group, IntToDoubleFunction weight) {
        double sum = 0;
        double weights = 0;
        int from = group * round.generations();
        for (int i = from; i < from + round.generations(); i++) {
            double reward = round.table().total(i);
            if (!Double.isNaN(reward)) {
                sum += weight.applyAsDouble(i) * reward;
                weights += weight.applyAsDouble(i);
            }
        }
        return sum / weights;
    }

    private static Advantages standardised(GroupedRewards round, double[][] tokens) {
        double count = 0;
        double sum = 0;
        for (int i = 0; i < tokens.length; i++) {
            for (int t = 0; t < tokens[i].length && !Double.isNaN(tokens[i][t]); t++) {
                count += round.masks()[i][t];
                sum += round.masks()[i][t] * tokens[i][t];
            }
        }
        double mean = sum / Math.max(1, count);
        double squares = 0;
        for (int i = 0; i < tokens.length; i++) {
            for (int t = 0; t < tokens[i].length && !Double.isNaN(tokens[i][t]); t++) {
                squares += round.masks()[i][t] * Math.pow(tokens[i][t] - mean, 2);
            }
        }
        double deviation = Math.sqrt(Math.max(LEAST_VARIANCE, squares / Math.max(1, count)));
        double[] values = new double[tokens.length];
        for (int i = 0; i < tokens.length; i++) {
            for (int t = 0; t < tokens[i].length; t++) {
                tokens[i][t] = orZero((tokens[i][t] - mean) / deviation);
            }
            values[i] = tokens[i].length == 0 ? 0 : tokens[i][0];
        }
        return of(round, values, Optional.of(tokens));
    }

    private static double orZero(double value) {
        return Double.isNaN(value) ? 0 : value;
    }

    private static Advantages of(
            GroupedRewards round, double[] values, Optional<double[][]> tokens) {
        return new Advantages(
                values, tokens, Advantages.statistics(round.table(), round.generations()));
    }
}
