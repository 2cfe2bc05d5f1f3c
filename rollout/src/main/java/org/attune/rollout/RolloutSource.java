package org.attune.rollout;

import java.util.List;

/// Where the completions that a trainer learns from come from.
public interface RolloutSource {
    /// Completes each prompt. Called once per round, in order, on the engine thread.
    ///
    /// @param prompts token ids of each prompt; a prompt that is to be completed several times
    ///     stands several times in a row, as the same array
    /// @param round number of the generation batch, from 0; a run that resumes in the middle of
    ///     rounds asks for the next one only
    /// @return one completion per prompt, in their order
    List<SampledCompletion> complete(List<int[]> prompts, long round);

    /// Completes held-out prompts for an evaluation; equal weights give equal completions. A source
    /// that knows no other way does as in training.
    ///
    /// @param prompts as for [#complete]
    default List<SampledCompletion> completeHeldOut(List<int[]> prompts) {
        return complete(prompts, -1);
    }

    /// Whether the completions come from the policy as it is now, so that a trainer may shuffle
    /// them and expect its own log-probabilities to match.
    boolean isOnPolicy();
}
