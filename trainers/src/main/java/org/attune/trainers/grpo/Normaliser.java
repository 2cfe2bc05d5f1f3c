package org.attune.trainers.grpo;

/// The factor with which a completion's sum over tokens enters the step's loss. `L` is the
/// completion's number of counted tokens, `B` the rows of its micro-batch, `a` the accumulation
/// steps.
sealed interface Normaliser {
    /// @param size of the micro-batch and what surrounds it
    /// @param tokens `L`
    double factor(MicroBatchSize size, double tokens);

    /// A micro-batch's own loss, of which its share of the step's is made; TRL's `policy_loss`.
    ///
    /// @param share of the step's loss
    /// @param accumulation `a`
    default double ownLoss(double share, int accumulation) {
        return share * accumulation;
    }

    /// What the factors depend on.
    ///
    /// @param rows `B`
    /// @param tokens counted tokens of the micro-batch
    /// @param generatedTokens counted tokens of the whole generation batch, per accumulation
    ///     window
    ///     of average size
    /// @param accumulation `a`
    record MicroBatchSize(int rows, double tokens, double generatedTokens, int accumulation) {}

    /// `1 / (max(L, 1) B a)`: the mean over rows of their means over tokens
    /// ([Shao et al. 2024](https://arxiv.org/abs/2402.03300)).
    record PerSequence() implements Normaliser {
        @Override
        public double factor(MicroBatchSize size, double tokens) {
            return 1 / (Math.max(1, tokens) * size.rows() * size.accumulation());
        }
    }

    /// `1 / (tokens of the micro-batch · a)`.
    record PerMicroBatch() implements Normaliser {
        @Override
        public double factor(MicroBatchSize size, double tokens) {
            return 1 / (Math.max(1, size.tokens()) * size.accumulation());
        }
    }

    /// `1 / (B · longest possible completion · a)`: no bias for length
    /// ([Dr. GRPO, Liu et al. 2025](https://arxiv.org/abs/2503.20783)).
    ///
    /// @param length `max_completion_length`
    record Constant(int length) implements Normaliser {
        @Override
        public double factor(MicroBatchSize size, double tokens) {
            return 1.0 / ((double) size.rows() * length * size.accumulation());
        }
    }

    /// `1 / (tokens of an average accumulation window)`: every token weighs the same
    /// ([DAPO, 2025](https://arxiv.org/abs/2503.14476)).
    record PerWindow() implements Normaliser {
        @Override
        public double factor(MicroBatchSize size, double tokens) {
            return 1 / Math.max(1, size.generatedTokens());
        }

        @Override
        public double ownLoss(double share, int accumulation) {
            return share;
        }
    }

    /// `1 / (B a)` on sums over tokens: long completions weigh more
    /// (TRL's `luspo`).
    record PerRow() implements Normaliser {
        @Override
        public double factor(MicroBatchSize size, double tokens) {
            return 1.0 / ((double) size.rows() * size.accumulation());
        }
    }
}
