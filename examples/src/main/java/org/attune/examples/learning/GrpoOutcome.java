package org.attune.examples.learning;

import java.util.SortedMap;
import java.util.TreeMap;

/// What came of one GRPO run.
///
/// @param seed of the run
/// @param rewards mean reward of the sampled completions by step, each over the steps since the
///     last
/// @param after answers to the held-out problems at the end
record GrpoOutcome(long seed, SortedMap<Integer, Double> rewards, HeldOut.Answers after) {
    GrpoOutcome {
        rewards = new TreeMap<>(rewards);
    }
}
