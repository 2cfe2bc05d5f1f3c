package org.attune.trainers.config;

import org.attune.optim.LrScheduleOptions;
import org.attune.records.CopyMethods;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// How long training lasts and how the learning rate moves.
///
/// @param lrSchedulerType shape of the schedule
/// @param lrSchedulerKwargs the shape's own parameters, by transformers' names (`num_cycles`,
///     `power`, `min_lr`, …)
/// @param warmupSteps steps of linear warmup; below 1: a share of all steps
/// @param warmupRatio older name for a share of all steps
/// @param maxSteps optimizer steps; unset: `num_train_epochs` counts
/// @param numTrainEpochs passes over the data, fractions too
@CopyMethods
public record ScheduleConfig(
        LrSchedulerType lrSchedulerType,
        Map<String, Object> lrSchedulerKwargs,
        @InRange(min = 0) double warmupSteps,
        @InRange(min = 0, max = 1) OptionalDouble warmupRatio,
        @UnsetAt("-1") @InRange(min = 1) OptionalInt maxSteps,
        @InRange(min = 0, minOpen = true) double numTrainEpochs)
        implements ScheduleConfigCopies, CrossChecked {
    public ScheduleConfig {
        lrSchedulerKwargs = Map.copyOf(lrSchedulerKwargs);
    }

    /// The defaults, as listed at the parameters.
    public static ScheduleConfig defaults() {
        return ScheduleConfigCopies.blank()
                .withLrSchedulerType(LrSchedulerType.LINEAR)
                .withNumTrainEpochs(3);
    }

    /// Warmup in steps for a run of `totalSteps`, rounded up as transformers does.
    public int warmupStepsOf(int totalSteps) {
        if (warmupRatio.isPresent()) {
            return (int) Math.ceil(warmupRatio.getAsDouble() * totalSteps);
        }
        return warmupSteps >= 1 ? (int) warmupSteps : (int) Math.ceil(warmupSteps * totalSteps);
    }

    /// Whether the rate follows evaluations.
    public boolean isMeasured() {
        return LrScheduleOptions.MEASURED.contains(ConfigNames.wireName(lrSchedulerType));
    }

    /// What doesn't fit evaluations.
    List<ConfigProblem> problems(EvalConfig eval) {
        var problems = new ArrayList<ConfigProblem>();
        if (isMeasured() && eval.evalStrategy() == IntervalStrategy.NO) {
            problems.add(
                    new ConfigProblem(
                            "lr_scheduler_type",
                            lrSchedulerType,
                            "this one with eval_strategy: steps or epoch, which it follows"));
        }
        if (isMeasured() && (warmupSteps > 0 || warmupRatio.orElse(0) > 0)) {
            problems.add(
                    new ConfigProblem(
                            "warmup_steps",
                            warmupRatio.orElse(warmupSteps),
                            "0 with lr_scheduler_type: "
                                    + ConfigNames.wireName(lrSchedulerType)
                                    + ", which has no warm-up"));
        }
        return problems;
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        if (warmupRatio.isPresent() && warmupSteps > 0) {
            return List.of(
                    new ConfigProblem(
                            "warmup_ratio",
                            warmupRatio.getAsDouble(),
                            "one of warmup_ratio and warmup_steps (now " + warmupSteps + ")"));
        }
        return List.of();
    }
}
