package org.attune.rollout;

/// Hears of every token as soon as it is sampled, on the engine thread.
@FunctionalInterface
public interface TokenListener {
    /// Hears nothing.
    TokenListener NONE = (_, _, _) -> true;

    /// @param sequence index of the prompt
    /// @param id the token
    /// @param logProb its log-probability, as in [SampledCompletion#logProbs]
    /// @return whether the sequence goes on
    boolean sampled(int sequence, int id, float logProb);
}
