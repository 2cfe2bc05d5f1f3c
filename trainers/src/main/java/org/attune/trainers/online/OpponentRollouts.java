package org.attune.trainers.online;

import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.RoundPart;
import org.attune.rollout.SampledCompletion;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;

/// Completes each training prompt once by the policy and once by an opponent, in this order.
/// Held-out prompts are the policy's alone.
///
/// @param policy its completions
/// @param opponent the opponent of a round
record OpponentRollouts(RolloutSource policy, LongFunction<RolloutSource> opponent)
        implements RolloutSource {
    @Override
    public void beginRound(long round) {
        policy.beginRound(round);
    }

    @Override
    public List<SampledCompletion> complete(
            List<RolloutPrompt> prompts, long round, FinishedListener listener) {
        return complete(prompts, round, round, listener);
    }

    @Override
    public List<SampledCompletion> completePart(
            List<RolloutPrompt> prompts, RoundPart part, FinishedListener listener) {
        return complete(prompts, part.round(), part.number(), listener);
    }

    /// @param round whose opponent it is
    /// @param draws number from which draws follow
    private List<SampledCompletion> complete(
            List<RolloutPrompt> prompts, long round, long draws, FinishedListener listener) {
        List<RolloutPrompt> once = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i += 2) {
            once.add(prompts.get(i));
        }
        List<SampledCompletion> own =
                policy.complete(
                        once, draws, (i, completion) -> listener.finished(2 * i, completion));
        List<SampledCompletion> others =
                opponent.apply(round)
                        .complete(
                                once,
                                draws,
                                (i, completion) -> listener.finished(2 * i + 1, completion));
        List<SampledCompletion> both = new ArrayList<>();
        for (int i = 0; i < own.size(); i++) {
            both.add(own.get(i));
            both.add(others.get(i));
        }
        return both;
    }

    @Override
    public List<SampledCompletion> completeHeldOut(
            List<RolloutPrompt> prompts, FinishedListener listener) {
        return policy.completeHeldOut(prompts, listener);
    }

    @Override
    public List<SampledCompletion> completeGreedily(
            List<RolloutPrompt> prompts, FinishedListener listener) {
        return policy.completeGreedily(prompts, listener);
    }

    @Override
    public boolean isElsewhere(long round) {
        return policy.isElsewhere(round);
    }

    @Override
    public boolean isOnPolicy() {
        return policy.isOnPolicy();
    }
}
