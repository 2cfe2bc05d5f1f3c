package org.attune.trainers.config;

/// AdamW, [Loshchilov & Hutter 2017](https://arxiv.org/abs/1711.05101). The default rate is the
/// method's: `sft()` 2e-5, `dpo()` 1e-6, `ppo()` 3e-6, `reward()` 1e-4, `prm()` 1e-5 as in TRL,
/// meant for full fine-tuning; LoRA wants about ten to a hundred times as much, except of
/// `reward()`.
///
/// @param optim which optimizer
/// @param learningRate peak rate; finite, ≥ 0
/// @param adamBeta1 decay of the first moment
/// @param adamBeta2 decay of the second moment
/// @param adamEpsilon added to the root of the second moment
/// @param weightDecay decoupled decay of weights, not of biases and norms
/// @param maxGradNorm gradients are scaled down to this norm; 0: no clipping
public record OptimizerConfig(
        OptimizerType optim,
        @InRange(min = 0) double learningRate,
        @InRange(min = 0, max = 1, maxOpen = true) double adamBeta1,
        @InRange(min = 0, max = 1, maxOpen = true) double adamBeta2,
        @InRange(min = 0) double adamEpsilon,
        @InRange(min = 0) double weightDecay,
        @InRange(min = 0) double maxGradNorm) {
    /// The defaults, as listed at the parameters.
    public static OptimizerConfig defaults() {
        return new OptimizerConfig(OptimizerType.ADAMW_TORCH_FUSED, 5e-5, 0.9, 0.999, 1e-8, 0, 1);
    }

    /// TRL's default for `SFTConfig`.
    public static OptimizerConfig sft() {
        return defaults().withLearningRate(2e-5);
    }

    /// TRL's default for `DPOConfig`.
    public static OptimizerConfig dpo() {
        return defaults().withLearningRate(1e-6);
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

    public OptimizerConfig withOptim(OptimizerType optim) {
        return new OptimizerConfig(
                optim, learningRate, adamBeta1, adamBeta2, adamEpsilon, weightDecay, maxGradNorm);
    }

    public OptimizerConfig withLearningRate(double learningRate) {
        return new OptimizerConfig(
                optim, learningRate, adamBeta1, adamBeta2, adamEpsilon, weightDecay, maxGradNorm);
    }

    public OptimizerConfig withAdamBeta1(double adamBeta1) {
        return new OptimizerConfig(
                optim, learningRate, adamBeta1, adamBeta2, adamEpsilon, weightDecay, maxGradNorm);
    }

    public OptimizerConfig withAdamBeta2(double adamBeta2) {
        return new OptimizerConfig(
                optim, learningRate, adamBeta1, adamBeta2, adamEpsilon, weightDecay, maxGradNorm);
    }

    public OptimizerConfig withAdamEpsilon(double adamEpsilon) {
        return new OptimizerConfig(
                optim, learningRate, adamBeta1, adamBeta2, adamEpsilon, weightDecay, maxGradNorm);
    }

    public OptimizerConfig withWeightDecay(double weightDecay) {
        return new OptimizerConfig(
                optim, learningRate, adamBeta1, adamBeta2, adamEpsilon, weightDecay, maxGradNorm);
    }

    public OptimizerConfig withMaxGradNorm(double maxGradNorm) {
        return new OptimizerConfig(
                optim, learningRate, adamBeta1, adamBeta2, adamEpsilon, weightDecay, maxGradNorm);
    }
}
