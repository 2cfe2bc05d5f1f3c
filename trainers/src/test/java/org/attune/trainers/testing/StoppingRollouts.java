package org.attune.trainers.testing;

import org.attune.error.StopRequest;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.loop.StopSignal;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/// Asks for a stop in one of the rounds, and may heed it at once.
///
/// @param source writes
/// @param at which time it is asked, from 1
record StoppingRollouts(
        RolloutSource source, StopSignal stop, AtomicInteger asked, int at, boolean heeds)
        implements RolloutSource {
    StoppingRollouts(RolloutSource source, StopSignal stop, int at, boolean heeds) {
        this(source, stop, new AtomicInteger(), at, heeds);
    }

    @Override
    public List<SampledCompletion> complete(
            List<RolloutPrompt> prompts, long round, FinishedListener listener) {
        if (asked.incrementAndGet() == at) {
            stop.request();
            if (heeds) {
                StopRequest.check();
            }
        }
        return source.complete(prompts, round, listener);
    }

    @Override
    public List<SampledCompletion> completeGreedily(
            List<RolloutPrompt> prompts, FinishedListener listener) {
        return source.completeGreedily(prompts, listener);
    }

    @Override
    public boolean isOnPolicy() {
        return source.isOnPolicy();
    }

    @Override
    public Optional<int[]> order(long round) {
        return source.order(round);
    }
}
