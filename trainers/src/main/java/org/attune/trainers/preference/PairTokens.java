package org.attune.trainers.preference;

import java.util.List;

/// What the models say of the pairs of one logical micro-batch, or of a part of it.
///
/// @param pairs one entry per pair
public record PairTokens(List<Pair> pairs) {
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
