package org.attune.rollout;

/// Hears of every token as soon as it is sampled, and of every completion as soon as it has ended,
/// on the engine thread.
@FunctionalInterface
public interface TokenListener {
    /// Hears nothing.
    TokenListener NONE = (_, _, _) -> true;

    /// Hears of completions only.
    static TokenListener of(FinishedListener listener) {
        return new TokenListener() {
            @Override
            public boolean sampled(int sequence, int id, float logProb) {
                return true;
            }

            @Override
            public void finished(int sequence, SampledCompletion completion) {
                listener.finished(sequence, completion);
            }
        };
    }

    /// @param sequence index of the prompt
    /// @param id the token
    /// @param logProb its log-probability, as in [SampledCompletion#logProbs]
    /// @return whether the sequence goes on
    boolean sampled(int sequence, int id, float logProb);

    /// Called once for a completion, after its last token.
    ///
    /// @param sequence index of the prompt
    default void finished(int sequence, SampledCompletion completion) {}
}
