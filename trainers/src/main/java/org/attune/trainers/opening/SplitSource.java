package org.attune.trainers.opening;

import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.RoundPart;
import org.attune.rollout.SampledCompletion;

import java.util.List;
import java.util.Optional;

/// Completions to learn from out of one source, those of held-out prompts out of another: the
/// policy is measured, whatever source it learns from.
///
/// @param training completes training prompts
/// @param heldOut completes held-out prompts
record SplitSource(RolloutSource training, RolloutSource heldOut) implements RolloutSource {
    @Override
    public void beginRound(long round) {
        training.beginRound(round);
    }

    @Override
    public List<SampledCompletion> complete(
            List<RolloutPrompt> prompts, long round, FinishedListener listener) {
        return training.complete(prompts, round, listener);
    }

    @Override
    public List<SampledCompletion> completePart(
            List<RolloutPrompt> prompts, RoundPart part, FinishedListener listener) {
        return training.completePart(prompts, part, listener);
    }

    @Override
    public List<SampledCompletion> completeHeldOut(
            List<RolloutPrompt> prompts, FinishedListener listener) {
        return heldOut.completeHeldOut(prompts, listener);
    }

    @Override
    public List<SampledCompletion> completeGreedily(
            List<RolloutPrompt> prompts, FinishedListener listener) {
        return heldOut.completeGreedily(prompts, listener);
    }

    @Override
    public boolean isElsewhere(long round) {
        return training.isElsewhere(round);
    }

    @Override
    public boolean isOnPolicy() {
        return training.isOnPolicy();
    }

    @Override
    public Optional<int[]> order(long round) {
        return training.order(round);
    }
}
