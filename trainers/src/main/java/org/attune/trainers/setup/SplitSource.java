package org.attune.trainers.setup;

import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;

import java.util.List;
import java.util.Optional;

/// Completions to learn from out of one source, those of held-out prompts out of another: what
/// is measured is the policy, whoever wrote what it learns from.
///
/// @param training completes training prompts
/// @param heldOut completes held-out prompts
record SplitSource(RolloutSource training, RolloutSource heldOut) implements RolloutSource {
    @Override
    public List<SampledCompletion> complete(
            List<int[]> prompts, long round, FinishedListener listener) {
        return of(round).complete(prompts, round, listener);
    }

    private RolloutSource of(long round) {
        return round <= HELD_OUT ? heldOut : training;
    }

    @Override
    public boolean isOnPolicy() {
        return training.isOnPolicy();
    }

    @Override
    public Optional<int[]> order(long round) {
        return of(round).order(round);
    }
}
