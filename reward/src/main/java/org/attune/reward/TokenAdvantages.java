package org.attune.reward;

import org.attune.reward.matrix.Matrices;
import org.attune.reward.matrix.Matrix;

/// Compares each token of a completion with what a critic expected, and computes what the critic
/// should have said. Computed in double precision, with the same bits on every machine ([Matrix]).
///
/// @param advantages of each token, completion by completion
/// @param returns targets of the critic, advantage + value
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record TokenAdvantages(double[][] advantages, double[][] returns) {
    /// Added to the variance, so that equal numbers aren't divided by 0; TRL's and verl's.
    private static final double EPSILON = 1e-8;

    /// Generalised advantage estimation, [Schulman et al. 2015, Eqs. 11, 12 and
    /// 16](https://arxiv.org/abs/1506.02438), with nothing to come after the last token:
    /// ```
    /// δ_t = r_t + γ V_{t+1} − V_t          A_t = δ_t + γ λ A_{t+1}
    /// ```
    /// Tokens with mask 0 (a tool's words) are passed over: their neighbours are as if they weren't
    /// there, and they have advantage 0 and their value as return.
    ///
    /// @param rewards r of each token, completion by completion; finite
    /// @param values V before each token, as many
    /// @param mask 1 where a token is the policy's own, else 0
    /// @param gamma discount γ, in [0, 1]
    /// @param lambda λ, in [0, 1]
    /// @throws IllegalArgumentException if the arrays don't have the same lengths
    public static TokenAdvantages gae(
            double[][] rewards, double[][] values, double[][] mask, double gamma, double lambda) {
        requireSameShape("values", rewards, values);
        requireSameShape("mask", rewards, mask);
        return Matrices.compute(
                () ->
                        estimate(
                                TokenSeries.of(rewards, mask),
                                TokenSeries.of(values, mask).values(),
                                gamma,
                                lambda));
    }

    /// Generalised advantage estimation with turns in place of tokens. A turn's reward is the sum
    /// of its tokens', its value that before its first token that counts. All of its tokens get its
    /// advantage, and as return its advantage + value.
    ///
    /// @param turns which turn each token belongs to, from 0, completion by completion
    /// @throws IllegalArgumentException if the arrays don't have the same lengths
    public static TokenAdvantages gaeOfTurns(
            double[][] rewards,
            double[][] values,
            double[][] mask,
            int[][] turns,
            double gamma,
            double lambda) {
        requireSameShape("values", rewards, values);
        requireSameShape("mask", rewards, mask);
        double[][] ofTurns = new double[rewards.length][];
        double[][] before = new double[rewards.length][];
        double[][] counts = new double[rewards.length][];
        for (int i = 0; i < rewards.length; i++) {
            int last = turns[i][turns[i].length - 1];
            ofTurns[i] = new double[last + 1];
            before[i] = new double[last + 1];
            counts[i] = new double[last + 1];
            for (int t = 0; t < mask[i].length; t++) {
                int turn = turns[i][t];
                if (mask[i][t] > 0) {
                    before[i][turn] = counts[i][turn] > 0 ? before[i][turn] : values[i][t];
                    counts[i][turn] = 1;
                    ofTurns[i][turn] += rewards[i][t];
                }
            }
        }
        TokenAdvantages coarse = gae(ofTurns, before, counts, gamma, lambda);
        double[][] advantages = new double[rewards.length][];
        double[][] returns = new double[rewards.length][];
        for (int i = 0; i < rewards.length; i++) {
            advantages[i] = new double[mask[i].length];
            returns[i] = values[i].clone();
            for (int t = 0; t < mask[i].length; t++) {
                if (mask[i][t] > 0) {
                    advantages[i][t] = coarse.advantages()[i][turns[i][t]];
                    returns[i][t] = coarse.returns()[i][turns[i][t]];
                }
            }
        }
        return new TokenAdvantages(advantages, returns);
    }

    private static TokenAdvantages estimate(
            TokenSeries rewards, Matrix values, double gamma, double lambda) {
        var advantages = new double[values.rows()][values.columns()];
        Matrix nothing = values.column(0).times(0); // (B, 1)
        Matrix next = nothing; // (B, 1)  V_{t+1}
        Matrix later = nothing; // (B, 1)  A_{t+1}
        for (int t = values.columns() - 1; t >= 0; t--) {
            Matrix own = rewards.mask().column(t); // (B, 1)
            Matrix value = values.column(t); // (B, 1)
            Matrix delta = // (B, 1)
                    rewards.values().column(t).plus(next.times(gamma)).minus(value);
            Matrix advantage = delta.plus(later.times(gamma * lambda)).times(own); // (B, 1)
            Matrix passed = own.times(-1).plus(1); // (B, 1)
            for (int i = 0; i < advantages.length; i++) {
                advantages[i][t] = advantage.get(i);
            }
            later = advantage.plus(later.times(passed));
            next = value.times(own).plus(next.times(passed));
        }
        TokenSeries all = rewards.with(Matrices.of(advantages)); // (B, T)
        return new TokenAdvantages(all.rows(), rewards.with(all.values().plus(values)).rows());
    }

    /// Numbers scaled to variance 1, over all tokens that count of all completions:
    /// ```
    /// x' = (x − mean) / √(var + 1e-8)   (+ mean, unless it is shifted)
    /// ```
    /// with the unbiased variance (n − 1). Where fewer than two tokens count there is no variance;
    /// nothing is scaled then. Tokens that don't count become 0.
    ///
    /// @param rows numbers, completion by completion
    /// @param mask 1 where a token counts, else 0
    /// @param shift whether the result has mean 0
    public static double[][] whitened(double[][] rows, double[][] mask, boolean shift) {
        requireSameShape("mask", rows, mask);
        return Matrices.compute(() -> whiten(TokenSeries.of(rows, mask), shift));
    }

    private static double[][] whiten(TokenSeries series, boolean shift) {
        double count = series.mask().sum();
        double mean = // at least 1, so that nothing isn't 0 / 0
                series.values().times(series.mask()).sum() / Math.max(1, count);
        Matrix centred = series.values().plus(-mean).times(series.mask()); // (B, T)
        double scale = 1;
        if (count >= 2) {
            double variance = centred.times(centred).sum() / (count - 1);
            scale = 1 / Math.sqrt(variance + EPSILON);
        }
        Matrix scaled = centred.times(scale); // (B, T)
        return series.with(shift ? scaled : scaled.plus(series.mask().times(mean))).rows();
    }

    private static void requireSameShape(String name, double[][] rewards, double[][] other) {
        boolean same = rewards.length == other.length && rewards.length > 0;
        for (int i = 0; same && i < rewards.length; i++) {
            same = rewards[i].length == other[i].length && rewards[i].length > 0;
        }
        if (!same) {
            throw new IllegalArgumentException(
                    name
                            + " must have as many numbers as there are tokens, at least one of each"
                            + " completion");
        }
    }
}
