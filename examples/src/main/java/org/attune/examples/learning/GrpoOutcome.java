package org.attune.examples.learning;

import org.attune.trainers.eval.EvalResult;

import java.util.SortedMap;
import java.util.TreeMap;

/// What came of one GRPO run.
///
/// @param seed of the run
/// @param rewards mean reward of the sampled completions by step, each over the steps since the
///     last
/// @param after the held-out problems, solved greedily at the end
record GrpoOutcome(long seed, SortedMap<Integer, Double> rewards, EvalResult after) {
    GrpoOutcome {
        rewards = new TreeMap<>(rewards);
    }
}
