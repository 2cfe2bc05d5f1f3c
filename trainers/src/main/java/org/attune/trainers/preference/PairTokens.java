package org.attune.trainers.preference;

import java.util.List;

/// Log-probabilities of the pairs of one logical micro-batch, or of a part of it, by all models.
///
/// @param pairs one entry per pair
record PairTokens(List<Pair> pairs) {
    public PairTokens {
        pairs = List.copyOf(pairs);
    }

    /// @param chosen the policy's log-probability of each chosen token
    /// @param rejected the policy's log-probability of each rejected token
    /// @param reference the reference's log-probabilities of the completions
    /// @param weight constant factor on the pair's loss, 1 unless weighted by WPO
    public record Pair(
            double[] chosen, double[] rejected, ReferenceLogProbs reference, double weight) {}
}
