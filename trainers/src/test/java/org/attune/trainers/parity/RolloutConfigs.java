package org.attune.trainers.parity;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.reward.Advantages;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.grpo.EntropyConfig;
import org.attune.trainers.grpo.GroupRun;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.grpo.GrpoLossConfig;
import org.attune.trainers.grpo.GrpoLossType;
import org.attune.trainers.grpo.ImportanceSamplingLevel;
import org.attune.trainers.grpo.RlooConfig;
import org.attune.trainers.grpo.RlooLossConfig;
import org.attune.trainers.grpo.SamplerCorrection;
import org.attune.trainers.onpolicy.OnRewardFailure;
import org.attune.trainers.onpolicy.Rewards;
import org.attune.trainers.onpolicy.RoundConfig;
import org.attune.trainers.testing.ParityCase;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.BiFunction;

/// The configuration of a recorded run on completions, as ours.
final class RolloutConfigs {
    private RolloutConfigs() {}

    static GroupRun of(ParityCase parity) {
        return parity.trainer().equals("rloo") ? rloo(parity) : grpo(parity);
    }

    private static RlooConfig rloo(ParityCase parity) {
        JsonNode c = parity.config();
        return RlooConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("fixture"))
                .withData(_ -> DataConfig.of("data.jsonl").withShuffleDataset(false))
                .withLora(l -> l.withUsePeft(parity.adapter().isPresent()))
                .withNumGenerations(c.get("num_generations").asInt())
                .withMaxCompletionLength(c.get("max_completion_length").asInt())
                .withSampling(s -> s.withTemperature(c.get("temperature").asDouble()))
                .withRounds(r -> rounds(c, r))
                .withRewards(RolloutConfigs::rewards)
                .withLoss(l -> loss(parity, l))
                .withReference(r -> r.withSync(_ -> parity.sync()))
                .withTraining(parity::training);
    }

    private static RlooLossConfig loss(ParityCase parity, RlooLossConfig start) {
        JsonNode c = parity.config();
        List<Double> bounds = new ArrayList<>();
        c.path("reward_clip_range").forEach(n -> bounds.add(n.asDouble()));
        RlooLossConfig loss = start.withBeta(c.get("beta").asDouble());
        loss = set(c, "epsilon_high", loss, RlooLossConfig::withEpsilonHigh);
        return loss.withEpsilon(c.get("epsilon").asDouble())
                .withNormalizeAdvantages(c.get("normalize_advantages").asBoolean())
                .withRewardClipRange(bounds)
                .withMaskTruncatedCompletions(c.get("mask_truncated_completions").asBoolean());
    }

    private static GrpoConfig grpo(ParityCase parity) {
        JsonNode c = parity.config();
        return GrpoConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("fixture"))
                .withData(_ -> DataConfig.of("data.jsonl").withShuffleDataset(false))
                .withLora(l -> l.withUsePeft(parity.adapter().isPresent()))
                .withNumGenerations(c.get("num_generations").asInt())
                .withMaxCompletionLength(c.get("max_completion_length").asInt())
                .withSampling(s -> s.withTemperature(c.get("temperature").asDouble()))
                .withRounds(r -> rounds(c, r))
                .withRewards(RolloutConfigs::rewards)
                .withLoss(l -> loss(parity, l))
                .withEntropy(e -> entropy(parity.config(), e))
                .withSampler(s -> sampler(parity, s))
                .withReference(r -> r.withSync(_ -> parity.sync()))
                .withTraining(parity::training);
    }

    private static RoundConfig rounds(JsonNode c, RoundConfig start) {
        return start.withStepsPerGeneration(c.get("steps_per_generation").asInt())
                .withNumIterations(c.get("num_iterations").asInt());
    }

    /// TRL goes on where no completion of a round got a reward.
    private static Rewards rewards(Rewards start) {
        return start.withRewardFuncs(List.of("recorded"))
                .withOnRewardFailure(OnRewardFailure.CONTINUE);
    }

    /// Runs whose configuration names none of these options have TRL's defaults.
    private static EntropyConfig entropy(JsonNode c, EntropyConfig start) {
        if (!c.has("entropy_coef")) {
            return start;
        }
        return start.withEntropyCoef(c.get("entropy_coef").asDouble())
                .withUseAdaptiveEntropy(c.get("use_adaptive_entropy").asBoolean())
                .withEntropyCoefMin(c.get("entropy_coef_min").asDouble())
                .withEntropyCoefMax(c.get("entropy_coef_max").asDouble())
                .withEntropyCoefDelta(c.get("entropy_coef_delta").asDouble())
                .withEntropyTarget(c.get("entropy_target").asDouble())
                .withTopEntropyQuantile(c.get("top_entropy_quantile").asDouble());
    }

    private static SamplerCorrection sampler(ParityCase parity, SamplerCorrection start) {
        JsonNode c = parity.config();
        // TRL corrects wherever the sampler tells log-probabilities, unless told otherwise.
        boolean told = c.path("sampling_logprobs").asBoolean(false);
        if (!c.path("vllm_importance_sampling_correction").asBoolean(told)) {
            return start.withVllmImportanceSamplingCorrection(false);
        }
        return new SamplerCorrection(
                true,
                SamplerCorrection.Mode.valueOf(parity.upper("vllm_importance_sampling_mode")),
                optional(c, "vllm_importance_sampling_clip_max"),
                optional(c, "vllm_importance_sampling_clip_min"),
                OptionalDouble.empty());
    }

    private static OptionalDouble optional(JsonNode c, String key) {
        return c.path(key).isNumber()
                ? OptionalDouble.of(c.get(key).asDouble())
                : OptionalDouble.empty();
    }

    /// With a setting, if a recorded run has it.
    private static <T> T set(JsonNode c, String key, T start, BiFunction<T, Double, T> with) {
        OptionalDouble value = optional(c, key);
        return value.isPresent() ? with.apply(start, value.getAsDouble()) : start;
    }

    private static GrpoLossConfig loss(ParityCase parity, GrpoLossConfig start) {
        JsonNode c = parity.config();
        boolean geometric = parity.trainer().equals("gmpo");
        GrpoLossConfig loss = set(c, "epsilon_high", start, GrpoLossConfig::withEpsilonHigh);
        loss = set(c, "delta", loss, GrpoLossConfig::withDelta);
        loss =
                set(
                        c,
                        "off_policy_mask_threshold",
                        loss,
                        GrpoLossConfig::withOffPolicyMaskThreshold);
        return loss.withLossType(
                        geometric
                                ? GrpoLossType.GMPO
                                : GrpoLossType.valueOf(parity.upper("loss_type")))
                .withBeta(c.get("beta").asDouble())
                .withEpsilon(c.get("epsilon").asDouble())
                .withScaleRewards(Advantages.Scale.valueOf(parity.upper("scale_rewards")))
                .withMultiObjectiveAggregation(
                        Advantages.Aggregation.valueOf(parity.upper("multi_objective_aggregation")))
                .withImportanceSamplingLevel(
                        ImportanceSamplingLevel.valueOf(parity.upper("importance_sampling_level")))
                .withUseBiasCorrectionKl(c.get("use_bias_correction_kl").asBoolean())
                .withMaskTruncatedCompletions(c.get("mask_truncated_completions").asBoolean())
                .withSapoTemperaturePos(c.get("sapo_temperature_pos").asDouble())
                .withSapoTemperatureNeg(c.get("sapo_temperature_neg").asDouble())
                .withVespoKPos(c.get("vespo_k_pos").asDouble())
                .withVespoLambdaPos(c.get("vespo_lambda_pos").asDouble())
                .withVespoKNeg(c.get("vespo_k_neg").asDouble())
                .withVespoLambdaNeg(c.get("vespo_lambda_neg").asDouble());
    }
}
