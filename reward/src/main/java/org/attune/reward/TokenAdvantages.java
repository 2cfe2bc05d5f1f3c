package org.attune.reward;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/// Compares each token of a completion with what a critic expected, and computes what the critic
/// should have said. Computed in double precision on one thread.
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
        return ArrayThread.call(
                () ->
                        estimate(
                                TokenSeries.of(rewards, mask),
                                TokenSeries.of(values, mask).values(),
                                gamma,
                                lambda));
    }

    /// The same with turns in place of tokens: a turn's reward is the sum of its tokens', its value
    /// that before its first token that counts. All of its tokens get its advantage, and as return
    /// its advantage + value.
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
            TokenSeries rewards, INDArray values, double gamma, double lambda) {
        long completions = values.size(0);
        INDArray[] columns = new INDArray[(int) values.size(1)]; // T of (B)
        INDArray next = Nd4j.zeros(values.dataType(), completions); // (B)  V_{t+1}
        INDArray later = Nd4j.zeros(values.dataType(), completions); // (B)  A_{t+1}
        for (long t = values.size(1) - 1; t >= 0; t--) {
            INDArray own = column(rewards.mask(), t); // (B)
            INDArray value = column(values, t); // (B)
            INDArray delta = // (B)
                    column(rewards.values(), t).add(next.mul(gamma)).subi(value);
            INDArray advantage = delta.addi(later.mul(gamma * lambda)).muli(own); // (B)
            INDArray passed = own.rsub(1); // (B)
            columns[(int) t] = advantage;
            later = advantage.add(later.mul(passed));
            next = value.mul(own).addi(next.mul(passed));
        }
        INDArray advantages = Nd4j.stack(1, columns); // (B, T)
        return new TokenAdvantages(
                rewards.with(advantages).rows(), rewards.with(advantages.add(values)).rows());
    }

    /// A column, `(B)`. Of a matrix with one column ND4J gives the matrix itself, hence the new
    /// shape.
    private static INDArray column(INDArray matrix, long t) {
        return matrix.getColumn(t).reshape(matrix.size(0));
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
        return ArrayThread.call(() -> whiten(TokenSeries.of(rows, mask), shift));
    }

    private static double[][] whiten(TokenSeries series, boolean shift) {
        double count = series.mask().sumNumber().doubleValue();
        double mean = // at least 1, so that nothing isn't 0 / 0
                series.values().mul(series.mask()).sumNumber().doubleValue() / Math.max(1, count);
        INDArray centred = series.values().sub(mean).muli(series.mask()); // (B, T)
        double scale = 1;
        if (count >= 2) {
            double variance = centred.mul(centred).sumNumber().doubleValue() / (count - 1);
            scale = 1 / Math.sqrt(variance + EPSILON);
        }
        INDArray scaled = centred.muli(scale); // (B, T)
        return series.with(shift ? scaled : scaled.addi(series.mask().mul(mean))).rows();
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
