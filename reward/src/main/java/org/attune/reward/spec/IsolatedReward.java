package org.attune.reward.spec;

import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;
import org.attune.reward.external.ProcessReward;

import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;

/// A function that runs in its own process. The instance here only tells what it is like.
///
/// @param described never called
/// @param process computes
record IsolatedReward(RewardFunction described, ProcessReward process)
        implements RewardFunction, AutoCloseable {
    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
        return process.score(batch);
    }

    @Override
    public String name() {
        return described.name();
    }

    @Override
    public boolean wholeRound() {
        return described.wholeRound();
    }

    @Override
    public int concurrency() {
        return process.concurrency();
    }

    @Override
    public Set<String> requiredColumns() {
        return described.requiredColumns();
    }

    @Override
    public String content() {
        return described.content();
    }

    @Override
    public void close() {
        process.close();
    }
}
