package org.attune.trainers.config;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.Valid;

import org.attune.api.Api;
import org.attune.optim.PartedOptimizer;
import org.attune.policy.ParameterSpace;
import org.attune.records.CopyMethods;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/// What every method needs to train.
///
/// @param optimizer optimizer and clipping
/// @param schedule duration and learning rate
/// @param batch logical and physical batches
/// @param eval evaluation
/// @param save results and checkpoints
/// @param log metrics
/// @param hub upload of the result
/// @param best which evaluation is the best, and what follows from it
/// @param averaging a second result, averaged over the run
/// @param ranks how the processes of a run work together
/// @param seed seed of everything random; TRL: 42
/// @param dataSeed seed of the order of the rows; unset: `seed`
/// @param neftuneNoiseAlpha size `α` of the noise on embeddings in training
///     ([Jain et al. 2023](https://arxiv.org/abs/2310.05914)); unset: none
/// @param routerAuxLossCoef factor of the loss that balances the experts of a mixture; unset: the
///     model's own
@Api(EXPERIMENTAL)
@CopyMethods
public record TrainingConfig(
        @Valid OptimizerConfig optimizer,
        @Valid ScheduleConfig schedule,
        @Valid BatchConfig batch,
        @Valid EvalConfig eval,
        @Valid SaveConfig save,
        @Valid LogConfig log,
        @Valid HubConfig hub,
        @Valid BestModelConfig best,
        @Valid BemaConfig averaging,
        @Valid RanksConfig ranks,
        long seed,
        OptionalLong dataSeed,
        @InRange(min = 0) OptionalDouble neftuneNoiseAlpha,
        @InRange(min = 0) OptionalDouble routerAuxLossCoef)
        implements TrainingConfigCopies, CrossChecked {
    /// The defaults with the optimizer of a method.
    public static TrainingConfig of(OptimizerConfig optimizer) {
        return TrainingConfigCopies.blank().withOptimizer(optimizer).withSeed(42);
    }

    /// Whether embeddings get noise.
    public boolean hasNoise() {
        return neftuneNoiseAlpha.orElse(0) > 0;
    }

    /// What is wrong where noise is asked for a run that learns from its own samples.
    public static List<ConfigProblem> needsNoNoise(TrainingConfig training) {
        if (!training.hasNoise()) {
            return List.of();
        }
        return List.of(
                new ConfigProblem(
                        "neftune_noise_alpha",
                        training.neftuneNoiseAlpha().getAsDouble(),
                        "null: completions are sampled without noise, so ratios to the sampler"
                                + " would be those of another model"));
    }

    /// Bytes that are kept for each update, as with one process: the optimizer's state, averages,
    /// and the sums of gradients that take turns in their memory.
    public long stateBytes(ParameterSpace parameters) {
        long sums = ranks.partsGradients() ? Float.BYTES * parameters.count() : 0;
        return optimizer.stateBytes(parameters) + averaging.bytes(parameters.count()) + sums;
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(best.problems(eval, save, log));
        problems.addAll(schedule.problems(eval));
        if (optimizer.optimizerInBwd() && batch.devices() > 1) {
            problems.add(
                    new ConfigProblem(
                            "optimizer_in_bwd",
                            true,
                            "false with several logical_devices, whose gradients are added up"
                                    + " before weights change"));
        }
        if (optimizer.optimizerInBwd() && ranks.partsGradients()) {
            problems.add(
                    new ConfigProblem(
                            "optimizer_in_bwd",
                            true,
                            "false with zero_stage: 2 or 3, which add up gradients over ranks"
                                    + " before weights change; or zero_stage: 1"));
        }
        if (ranks.zeroStage() > 0 && !optimizer.mayPart()) {
            problems.add(
                    new ConfigProblem("zero_stage", ranks.zeroStage(), PartedOptimizer.whyWhole()));
        }
        if (ranks.partsWeights() && !eval.evalTasks().isEmpty()) {
            problems.add(
                    new ConfigProblem(
                            "eval_tasks",
                            eval.evalTasks().size() + " tasks",
                            "none with zero_stage: 3, where no rank has all weights to generate"
                                    + " with; or zero_stage: 2"));
        }
        if (averaging.bema() && optimizer.averages()) {
            problems.add(
                    new ConfigProblem(
                            "bema",
                            true,
                            "false with optim: "
                                    + ConfigNames.wireName(optimizer.optim())
                                    + ", whose result is an average already"));
        }
        return problems;
    }
}
