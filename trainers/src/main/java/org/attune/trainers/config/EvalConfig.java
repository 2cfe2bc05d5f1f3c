package org.attune.trainers.config;

import org.attune.records.CopyMethods;

import java.util.List;
import java.util.OptionalDouble;

/// When the evaluation rows are scored.
///
/// @param evalStrategy when
/// @param evalSteps for `steps`: how often; below 1: a share of all steps; unset:
///     `logging_steps`
/// @param evalOnStart evaluate before the first step too
@CopyMethods
public record EvalConfig(
        IntervalStrategy evalStrategy,
        @InRange(min = 0, minOpen = true) OptionalDouble evalSteps,
        boolean evalOnStart)
        implements EvalConfigCopies {
    /// The defaults, as listed at the parameters.
    public static EvalConfig defaults() {
        return EvalConfigCopies.blank().withEvalStrategy(IntervalStrategy.NO);
    }

    /// Steps between evaluations in a run of `totalSteps` whose log has `loggingSteps`.
    public int evalInterval(int totalSteps, double loggingSteps) {
        return LogConfig.interval(evalSteps.orElse(loggingSteps), totalSteps);
    }

    public static List<ConfigProblem> needsRows(EvalConfig eval, DataConfig data) {
        boolean wanted = eval.evalStrategy() != IntervalStrategy.NO || eval.evalOnStart();
        if (wanted && data.evalDatasets().isEmpty() && data.testSplitSize().isEmpty()) {
            return List.of(
                    new ConfigProblem(
                            "eval_strategy",
                            eval.evalStrategy(),
                            "eval_datasets or test_split_size beside it, or no"));
        }
        return List.of();
    }
}
