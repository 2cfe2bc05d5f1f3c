package org.attune.models.eval;

import java.util.List;
import java.util.OptionalDouble;

/// A problem with what the model said, `G` times.
///
/// @param completions texts, `(G)`
/// @param rewards one each, empty where the reward function doesn't apply, `(G)`
public record EvalRow(EvalProblem problem, List<String> completions, List<OptionalDouble> rewards) {
    public EvalRow {
        completions = List.copyOf(completions);
        rewards = List.copyOf(rewards);
    }

    /// Mean of the rewards there are; empty if there are none.
    public OptionalDouble mean() {
        return rewards.stream().flatMapToDouble(OptionalDouble::stream).average();
    }

    long right() {
        return rewards.stream().filter(r -> r.isPresent() && r.getAsDouble() == 1).count();
    }

    boolean isBinary() {
        return rewards.stream()
                .flatMapToDouble(OptionalDouble::stream)
                .allMatch(r -> r == 0 || r == 1);
    }
}
