package org.attune.reward;

import org.attune.reward.matrix.Matrices;
import org.attune.reward.matrix.Matrix;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Compares each completion with its peers, and computes the statistics of the rewards. Completions
/// stand in groups: those of one prompt follow each other. Computed in double precision, with the
/// same bits on every machine ([Matrix]).
///
/// A missing reward counts as 0 in the weighted sum of a completion that has others. A completion
/// without any has advantage 0 and takes no part in means and deviations.
///
/// @param values `(N)`, one per completion
/// @param tokenValues of each token, completion by completion, where tokens of a completion differ
/// @param metrics as TRL logs them: `rewards/<name>/mean`, `rewards/<name>/std`, `reward`,
///     `reward_std`, `frac_reward_zero_std`; NaN where there is nothing to average. The last is the
///     share of groups whose rewards are equal; where a deviation of the batch scales (`BATCH`,
///     GDPO) it says 1 or 0 of that one. TRL has 1 for groups of one completion, here NaN.
public record Advantages(
        double[] values, Optional<double[][]> tokenValues, Map<String, Double> metrics) {
    /// Advantages that are equal for all tokens of a completion.
    public Advantages(double[] values, Map<String, Double> metrics) {
        this(values, Optional.empty(), metrics);
    }

    /// TRL's, against division by zero. Deviations are unbiased (n - 1).
    static final double EPSILON = 1e-4;

    // torch.isclose(std, 0)
    private static final double ZERO = 1e-8;

    /// What centred rewards are divided by; TRL's `scale_rewards`.
    public enum Scale {
        /// the deviation of the completion's group, as in GRPO
        GROUP,
        /// the deviation of the whole batch
        BATCH,
        /// nothing, as in [Dr. GRPO](https://arxiv.org/abs/2503.20783)
        NONE
    }

    /// How several rewards become one; TRL's `multi_objective_aggregation`.
    public enum Aggregation {
        /// weighted sum first, then centring and scaling
        SUM_THEN_NORMALIZE,
        /// each reward is standardised in its group, the weighted sum in the batch: GDPO. Scale is
        /// not used then.
        NORMALIZE_THEN_SUM
    }

    /// Group-relative advantages, [Shao et al. 2024, DeepSeekMath,
    /// §4.1](https://arxiv.org/abs/2402.03300).
    /// ```
    /// A = (r - mean(group)) / (std(group or batch) + 1e-4)
    /// ```
    ///
    /// A completion that is alone in its group, as in evaluations, has advantage 0.
    ///
    /// @param numGenerations G, completions per group, at least 1; N is a multiple
    /// @throws IllegalArgumentException if it isn't
    public static Advantages grpo(
            RewardTable table, int numGenerations, Scale scale, Aggregation aggregation) {
        check(table, numGenerations, 1);
        return Matrices.compute(() -> compare(table, numGenerations, scale, aggregation));
    }

    private static Advantages compare(
            RewardTable table, int numGenerations, Scale scale, Aggregation aggregation) {
        MaskedRewards totals = totals(table); // (1, N)
        MaskedRewards groups = totals.reshape(numGenerations); // (P, G)
        return switch (aggregation) {
            case SUM_THEN_NORMALIZE -> {
                MaskedRewards compared = scale == Scale.BATCH ? totals : groups;
                yield new Advantages(
                        scaled(totals, groups, scale).toArray(0),
                        metrics(table, totals, numGenerations, compared));
            }
            case NORMALIZE_THEN_SUM -> {
                MaskedRewards sums = standardisedSums(table, totals, numGenerations); // (1, N)
                yield new Advantages(
                        sums.standardised(EPSILON).toArray(0),
                        metrics(table, totals, numGenerations, sums));
            }
        };
    }

    private static MaskedRewards scaled(MaskedRewards totals, MaskedRewards groups, Scale scale) {
        return switch (scale) {
            case GROUP -> groups.standardised(EPSILON);
            case NONE -> groups.centred();
            case BATCH -> {
                Matrix deviation = totals.deviations().plus(EPSILON); // (1, 1)
                MaskedRewards centred = groups.centred();
                yield new MaskedRewards(centred.values().over(deviation.get(0)), centred.present());
            }
        };
    }

    /// Weighted sums of rewards that are standardised in their group, `(1, N)`. A reward that is
    /// alone in its group has no standardised value, but its completion still takes part, with 0.
    private static MaskedRewards standardisedSums(
            RewardTable table, MaskedRewards totals, int numGenerations) {
        var columns = new double[table.names().size()][];
        for (int f = 0; f < columns.length; f++) {
            MaskedRewards groups =
                    MaskedRewards.ofRow(table.column(f)).reshape(numGenerations); // (P, G)
            columns[f] = groups.standardised(EPSILON).toArray(Double.NaN);
        }
        MaskedRewards sums =
                MaskedRewards.of(columns) // (F, N)
                        .transpose()
                        .weightedSums(table.weights()) // (N, 1)
                        .flat();
        return new MaskedRewards(sums.values(), totals.present());
    }

    /// Leave-one-out advantages, [Ahmadian et al. 2024, Eq. 6](https://arxiv.org/abs/2402.14740),
    /// with the divergence from the reference in the reward.
    /// ```
    /// r' = clip(r) - β KL,    A = r' - mean of the other completions' r'
    /// ```
    /// A completion that is alone in its group has advantage 0.
    ///
    /// @param numGenerations completions per group, at least 2
    /// @param klSums per completion the sum of log-probability ratios to the reference, `(N)`
    /// @param beta weight of the divergence
    /// @param clipRange lowest and highest reward, before the divergence is taken off
    /// @param normalize divide by the batch's deviation + 1e-4, after centring in the batch
    public static Advantages rloo(
            RewardTable table,
            int numGenerations,
            double[] klSums,
            double beta,
            Optional<ClipRange> clipRange,
            boolean normalize) {
        check(table, numGenerations, 2);
        if (klSums.length != table.size()) {
            throw new IllegalArgumentException(
                    "%d sums of KL for %d completions".formatted(klSums.length, table.size()));
        }
        return Matrices.compute(
                () -> leaveOut(table, numGenerations, klSums, beta, clipRange, normalize));
    }

    private static Advantages leaveOut(
            RewardTable table,
            int numGenerations,
            double[] klSums,
            double beta,
            Optional<ClipRange> clipRange,
            boolean normalize) {
        MaskedRewards totals = totals(table); // (1, N)
        double[] rewards = totals.toArray(Double.NaN);
        for (int i = 0; i < rewards.length; i++) {
            double reward = rewards[i];
            rewards[i] =
                    clipRange.map(range -> range.clip(reward)).orElse(reward) - beta * klSums[i];
        }
        MaskedRewards groups = MaskedRewards.ofRow(rewards).reshape(numGenerations); // (P, G)
        // r - (sum - r) / (n - 1) = (r - mean) n / (n - 1)
        Matrix counts = groups.counts(); // (P, 1)
        // at least 1, so that an empty group isn't 0 / 0
        Matrix others = counts.plus(-1).atLeast(1); // (P, 1)
        Matrix factor = counts.over(others); // (P, 1)
        Matrix present = groups.present().times(groups.defined()); // (P, G)
        Matrix values = groups.centred().values().times(factor); // (P, G)
        MaskedRewards advantages = new MaskedRewards(values.times(present), present).flat();
        if (normalize) {
            advantages = advantages.standardised(EPSILON);
        }
        return new Advantages(
                advantages.toArray(0), metrics(table, totals, numGenerations, groups));
    }

    /// Bounds for a reward; TRL's `reward_clip_range`.
    public record ClipRange(double lowest, double highest) {
        public ClipRange {
            if (!(lowest <= highest)) {
                throw new IllegalArgumentException(
                        "lowest must be at most highest, got %s and %s".formatted(lowest, highest));
            }
        }

        double clip(double reward) {
            return Math.clamp(reward, lowest, highest); // NaN stays NaN
        }
    }

    private static void check(RewardTable table, int numGenerations, int fewest) {
        if (numGenerations < fewest || table.size() == 0 || table.size() % numGenerations != 0) {
            throw new IllegalArgumentException(
                    "completions must come in groups of at least %d, got %d in groups of %d"
                            .formatted(fewest, table.size(), numGenerations));
        }
    }

    /// The metrics alone, with the deviations of groups.
    static Map<String, Double> statistics(RewardTable table, int numGenerations) {
        return Matrices.compute(
                () -> {
                    MaskedRewards totals = totals(table); // (1, N)
                    return metrics(table, totals, numGenerations, totals.reshape(numGenerations));
                });
    }

    private static MaskedRewards totals(RewardTable table) {
        return MaskedRewards.of(table.values()).weightedSums(table.weights()).flat();
    }

    /// @param compared one row for each deviation that TRL looks at: those of the groups, or that
    ///     of the batch
    private static Map<String, Double> metrics(
            RewardTable table, MaskedRewards totals, int numGenerations, MaskedRewards compared) {
        var metrics = new LinkedHashMap<String, Double>();
        List<String> names = table.names();
        MaskedRewards functions = MaskedRewards.of(table.values()).transpose(); // (F, N)
        Matrix means = functions.means(); // (F, 1)
        Matrix deviations = functions.deviations(); // (F, 1)
        Matrix counts = functions.counts(); // (F, 1)
        for (int f = 0; f < names.size(); f++) {
            double count = counts.get(f);
            metrics.put("rewards/" + names.get(f) + "/mean", from(1, count, means.get(f)));
            metrics.put("rewards/" + names.get(f) + "/std", from(2, count, deviations.get(f)));
        }
        double count = totals.counts().get(0);
        metrics.put("reward", from(1, count, totals.means().get(0)));
        metrics.put("reward_std", from(2, count, totals.deviations().get(0)));
        metrics.put("frac_reward_zero_std", from(2, numGenerations, zeroShare(compared)));
        return metrics;
    }

    /// Share of the rows whose numbers are equal; a row of fewer than two has no deviation, so it
    /// isn't one of them.
    private static double zeroShare(MaskedRewards compared) {
        Matrix deviations = compared.deviations(); // (R, 1)
        Matrix defined = compared.defined(); // (R, 1)
        int equal = 0;
        for (int r = 0; r < deviations.rows(); r++) {
            boolean zero = deviations.get(r) <= ZERO;
            equal += defined.get(r) == 1 && zero ? 1 : 0;
        }
        return (double) equal / deviations.rows();
    }

    /// NaN unless there are at least `needed` numbers.
    private static double from(int needed, double count, double value) {
        return count >= needed ? value : Double.NaN;
    }
}
