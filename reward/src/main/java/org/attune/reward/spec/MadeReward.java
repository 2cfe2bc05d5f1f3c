package org.attune.reward.spec;

import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;
import org.attune.reward.RewardLimits;

import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;

/// A function and the hash of what it was made of; closes the function with it.
record MadeReward(RewardFunction function, String content)
        implements RewardFunction, AutoCloseable {
    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
        return function.score(batch);
    }

    @Override
    public String name() {
        return function.name();
    }

    @Override
    public boolean wholeRound() {
        return function.wholeRound();
    }

    @Override
    public int concurrency() {
        return function.concurrency();
    }

    @Override
    public RewardLimits limits(RewardLimits usual) {
        return function.limits(usual);
    }

    @Override
    public Set<String> requiredColumns() {
        return function.requiredColumns();
    }

    @Override
    public void close() {
        if (function instanceof AutoCloseable closeable) {
            try {
                closeable.close();
            } catch (Exception e) {
                throw new IllegalStateException("could not close the function: " + e, e);
            }
        }
    }
}
