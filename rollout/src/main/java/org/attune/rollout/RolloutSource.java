package org.attune.rollout;

import org.attune.error.RolloutException;

import java.util.List;
import java.util.Optional;

/// Where the completions that a trainer learns from come from.
public interface RolloutSource {
    /// Called once per round on the engine thread of every process of the run, before completions
    /// of the round are asked for: the policy's weights are now those of the round.
    ///
    /// @param round number of the batch of prompts, from 0; processes that complete parts of it ask
    ///     for these under other numbers
    default void beginRound(long round) {}

    /// Completes each prompt. Called once per round, in order, on the engine thread.
    ///
    /// @param prompts a prompt that is to be completed several times stands several times in a
    ///     row, as the same object
    /// @param round number of the generation batch, from 0; a run that resumes in the middle of
    ///     rounds asks for the next one only
    /// @param listener told of each completion as soon as it has ended, on the calling thread; a
    ///     source that has nothing to say before its end need not call it
    /// @return one completion per prompt, in their order; those of a source that runs episodes hold
    ///     them
    List<SampledCompletion> complete(
            List<RolloutPrompt> prompts, long round, FinishedListener listener);

    /// Completes a device's part of a round. A source that samples does so as for a round of its
    /// own; one that reads rounds gives the completions at these places.
    ///
    /// @param prompts of the part, as for [#complete]
    default List<SampledCompletion> completePart(
            List<RolloutPrompt> prompts, RoundPart part, FinishedListener listener) {
        return complete(prompts, part.number(), listener);
    }

    /// Completes a round, without a listener.
    default List<SampledCompletion> complete(List<RolloutPrompt> prompts, long round) {
        return complete(prompts, round, FinishedListener.NONE);
    }

    /// Completes held-out prompts for an evaluation; equal weights give equal completions. A source
    /// that knows no other way does as in training.
    ///
    /// @param prompts as for [#complete]
    default List<SampledCompletion> completeHeldOut(
            List<RolloutPrompt> prompts, FinishedListener listener) {
        return complete(prompts, -1, listener);
    }

    /// Gives each prompt's likeliest completion under the policy as it is now. A source that knows
    /// no such way refuses.
    ///
    /// @param prompts as for [#complete]
    default List<SampledCompletion> completeGreedily(
            List<RolloutPrompt> prompts, FinishedListener listener) {
        throw new RolloutException(
                "these completions come from elsewhere than the policy in this process, which alone"
                        + " could give likeliest completions");
    }

    /// Makes completions longer that may take several rounds, with the policy as it is now, until
    /// enough have ended. A source that knows no such way refuses.
    default void goOn(OngoingCompletions ongoing) {
        throw new RolloutException(
                "these completions come from elsewhere than the policy in this process, which alone"
                        + " goes on with those that haven't ended");
    }

    /// Whether a round that was completed was written by another sampler than the policy, which
    /// then told its log-probabilities.
    ///
    /// @param round one that was completed
    default boolean isElsewhere(long round) {
        return !isOnPolicy();
    }

    /// Whether the completions come from the policy as it is now, so that a trainer may expect its
    /// own log-probabilities to match.
    boolean isOnPolicy();

    /// The order in which a round's completions are cut into micro-batches, if the source has one:
    /// first the index of the completion that is used first. Empty lets the trainer shuffle.
    ///
    /// @param round one that was completed
    default Optional<int[]> order(long round) {
        return Optional.empty();
    }
}
