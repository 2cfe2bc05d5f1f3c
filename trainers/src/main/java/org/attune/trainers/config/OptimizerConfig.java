package org.attune.trainers.config;

import jakarta.validation.Valid;

import org.attune.error.ConfigException;
import org.attune.models.ModelConfig;
import org.attune.optim.NormType;
import org.attune.optim.OptimizerKind;
import org.attune.optim.OptimizerOptions;
import org.attune.optim.OptimizerType;
import org.attune.optim.ParameterGroups;
import org.attune.policy.ParameterSpace;
import org.attune.records.CopyMethods;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The optimizer, by default AdamW ([Loshchilov & Hutter 2017](https://arxiv.org/abs/1711.05101)).
/// The default rate is the method's: `sft()` 2e-5, `dpo()` and `answerPairs()` 1e-6, `tpo()` 5e-7,
/// `ppo()` 3e-6, `reward()` 1e-4, `prm()` 1e-5 as in TRL, meant for full fine-tuning; LoRA wants
/// about ten to a hundred times as much, except of `reward()`.
///
/// @param optim which optimizer
/// @param optimArgs further settings of the optimizer, `name=value` with commas between
/// @param learningRate peak rate; finite, ≥ 0
/// @param adamBeta1 decay of the first moment
/// @param adamBeta2 decay of the second moment
/// @param adamEpsilon added to the root of the second moment
/// @param weightDecay decay of weights, not of biases and norms; decoupled from the gradient where
///     the optimizer's formula has it so
/// @param maxGradNorm gradients are scaled down to this norm; 0: no clipping
/// @param gradNormType which norm of the gradients is held against it
/// @param optimizerInBwd where all weights are trained, update each block as soon as the backward
///     pass has its gradient, so that only one block's gradient exists at a time
///     ([Lv et al. 2023](https://arxiv.org/abs/2306.09782)). The weights are the same, bit for
///     bit; a step's rows are computed at once, and nothing can be clipped
/// @param groups which parameters learn at another rate
@CopyMethods
public record OptimizerConfig(
        OptimizerType optim,
        Optional<String> optimArgs,
        @InRange(min = 0) double learningRate,
        @InRange(min = 0, max = 1, maxOpen = true) double adamBeta1,
        @InRange(min = 0, max = 1, maxOpen = true) double adamBeta2,
        @InRange(min = 0, minOpen = true) double adamEpsilon,
        @InRange(min = 0) double weightDecay,
        @InRange(min = 0) double maxGradNorm,
        NormType gradNormType,
        boolean optimizerInBwd,
        @Valid GroupConfig groups)
        implements OptimizerConfigCopies, CrossChecked {
    /// The defaults, as listed at the parameters.
    public static OptimizerConfig defaults() {
        return OptimizerConfigCopies.blank()
                .withOptim(OptimizerType.ADAMW_TORCH_FUSED)
                .withLearningRate(5e-5)
                .withAdamBeta1(0.9)
                .withAdamBeta2(0.999)
                .withAdamEpsilon(1e-8)
                .withMaxGradNorm(1)
                .withGradNormType(NormType.L2)
                .withGroups(GroupConfig.defaults());
    }

    /// TRL's default for `SFTConfig`.
    public static OptimizerConfig sft() {
        return defaults().withLearningRate(2e-5);
    }

    /// TRL's default for `DPOConfig`.
    public static OptimizerConfig dpo() {
        return defaults().withLearningRate(1e-6);
    }

    /// TRL's default for `ORPOConfig` and `CPOConfig`.
    public static OptimizerConfig answerPairs() {
        return defaults().withLearningRate(1e-6);
    }

    /// TRL's default for `TPOConfig`.
    public static OptimizerConfig tpo() {
        return defaults().withLearningRate(5e-7);
    }

    /// TRL's default for `PPOConfig`.
    public static OptimizerConfig ppo() {
        return defaults().withLearningRate(3e-6);
    }

    /// TRL's default for `RewardConfig`.
    public static OptimizerConfig reward() {
        return defaults().withLearningRate(1e-4);
    }

    /// TRL's default for `PRMConfig`.
    public static OptimizerConfig prm() {
        return defaults().withLearningRate(1e-5);
    }

    /// Formula and settings.
    ///
    /// @param warmupSteps of the run
    /// @throws ConfigException if `optim_args` don't fit; its message says what is accepted
    public OptimizerKind kind(int warmupSteps) {
        return new OptimizerOptions(
                        optim, optimArgs.orElse(""), adamBeta1, adamBeta2, adamEpsilon, warmupSteps)
                .kind();
    }

    /// Bytes of the optimizer's state.
    public long stateBytes(ParameterSpace parameters) {
        return kind(0).bytes(parameters.parameters());
    }

    /// Whether ranks may cut the optimizer's state into parts.
    public boolean mayPart() {
        try {
            return kind(0).mayPart();
        } catch (ConfigException e) {
            return true; // optim_args are refused
        }
    }

    /// Whether a run results in other weights than those that gradients are taken at.
    public boolean averages() {
        return optim == OptimizerType.SCHEDULE_FREE_ADAMW
                || optim == OptimizerType.SCHEDULE_FREE_SGD;
    }

    /// Weight decay and learning rates by name.
    public ParameterGroups parameterGroups() {
        return groups.groups(learningRate, weightDecay);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<ConfigProblem>();
        if (optimizerInBwd && maxGradNorm != 0) {
            problems.add(
                    new ConfigProblem(
                            "max_grad_norm",
                            maxGradNorm,
                            "0 where optimizer_in_bwd is true: clipping needs the norm of all"
                                    + " gradients before the first weight changes"));
        }
        if (groups.hasRates() && learningRate == 0) {
            problems.add(
                    new ConfigProblem(
                            "learning_rate",
                            learningRate,
                            "more than 0 where param_groups or loraplus_lr_ratio give others, which"
                                    + " follow its schedule"));
        }
        try {
            kind(0);
        } catch (ConfigException e) {
            String given = optimArgs.orElse("nothing");
            problems.add(new ConfigProblem("optim_args", given, e.getMessage()));
        }
        return problems;
    }

    /// What is wrong where updates in the backward pass are asked for a run that trains an adapter,
    /// or blocks that take turns beside what they can't have.
    public static List<ConfigProblem> needsAllWeights(
            TrainingConfig training, LoraSettings lora, ModelConfig model) {
        boolean adapter = lora.usePeft() || model.adapterNameOrPath().isPresent();
        if (!training.optimizer().optimizerInBwd() || !adapter) {
            return lora.lisaProblems(training);
        }
        String key = lora.usePeft() ? "use_peft: true" : "adapter_name_or_path";
        return List.of(
                new ConfigProblem(
                        "optimizer_in_bwd",
                        true,
                        "false with "
                                + key
                                + ": the gradients of an adapter are small; true is for training"
                                + " all weights"));
    }
}
