package org.attune.reward;

import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;

/// A function with another name, another answer to how much a call sees, or the hash of what it was
/// made of; closes the function with it.
record NamedReward(String name, boolean wholeRound, String content, RewardFunction function)
        implements RewardFunction, AutoCloseable {
    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
        return function.score(batch);
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
    public Set<String> usedColumns() {
        return function.usedColumns();
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
