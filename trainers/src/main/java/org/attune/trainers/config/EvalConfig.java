package org.attune.trainers.config;

import jakarta.validation.Valid;

import org.attune.records.CopyMethods;

import java.util.List;
import java.util.OptionalDouble;

/// When the evaluation rows are scored.
///
/// @param evalStrategy when
/// @param evalSteps for `steps`: how often; below 1: a share of all steps; unset:
///     `logging_steps`
/// @param evalOnStart evaluate before the first step too
/// @param evalDelay no evaluation before so many steps, or epochs with `epoch`; those at the start
///     and at the end are made anyway
/// @param evalTasks what the policy is asked at each evaluation, beside the rows
@CopyMethods
public record EvalConfig(
        IntervalStrategy evalStrategy,
        @InRange(min = 0, minOpen = true) OptionalDouble evalSteps,
        boolean evalOnStart,
        @InRange(min = 0) double evalDelay,
        List<@Valid EvalTask> evalTasks)
        implements EvalConfigCopies {
    public EvalConfig {
        evalTasks = evalTasks == null ? List.of() : List.copyOf(evalTasks);
    }

    /// The defaults, as listed at the parameters.
    public static EvalConfig defaults() {
        return EvalConfigCopies.blank().withEvalStrategy(IntervalStrategy.NO);
    }

    /// Steps between evaluations in a run of `totalSteps` whose log has `loggingSteps`.
    public int evalInterval(int totalSteps, double loggingSteps) {
        return LogConfig.interval(evalSteps.orElse(loggingSteps), totalSteps);
    }

    /// Steps before which no evaluation is made.
    public double delaySteps(int stepsPerEpoch) {
        return evalStrategy == IntervalStrategy.EPOCH ? evalDelay * stepsPerEpoch : evalDelay;
    }

    public static List<ConfigProblem> needsRows(EvalConfig eval, DataConfig data) {
        boolean wanted = eval.evalStrategy() != IntervalStrategy.NO || eval.evalOnStart();
        if (wanted
                && eval.evalTasks().isEmpty()
                && data.evalDatasets().isEmpty()
                && data.testSplitSize().isEmpty()) {
            boolean atStart = eval.evalStrategy() == IntervalStrategy.NO;
            return List.of(
                    new ConfigProblem(
                            atStart ? "eval_on_start" : "eval_strategy",
                            atStart ? true : eval.evalStrategy(),
                            "it beside rows to evaluate on (test_split_size: 0.1 holds out a tenth"
                                    + " of datasets, eval_datasets: PATH names others) or"
                                    + " eval_tasks, or "
                                    + (atStart ? "false" : "no")));
        }
        return List.of();
    }
}
