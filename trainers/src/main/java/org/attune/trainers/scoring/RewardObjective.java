package org.attune.trainers.scoring;

import org.attune.policy.CausalPolicy;
import org.attune.policy.HeadRequest;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.examples.RewardExample;
import org.attune.trainers.layout.RewardForest;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.rows.GivenRows;
import org.attune.trainers.rows.RowObjective;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.Trainer;

import java.util.List;
import java.util.Optional;

/// A reward model on preference pairs. Read [RewardSums], then [RewardLoss].
///
/// @param loss of a pair
public record RewardObjective(RewardLoss loss)
        implements RowObjective<RewardExample, RewardForest> {
    /// The trainer of a run.
    ///
    /// @param config checked here
    /// @param model a sequence-classification model with the values to start from, which gives
    ///     scores where a causal language model gives log-probabilities. The caller closes it
    /// @param pairs training pairs, prepared
    /// @param evalSets may be empty
    /// @throws org.attune.error.ConfigException with all problems of the configuration
    public static Trainer<RewardExample, RewardForest> trainer(
            RewardTrainerConfig config,
            CausalPolicy model,
            List<RewardExample> pairs,
            List<EvalSet<RewardExample>> evalSets,
            RunContext context) {
        ConfigCheck.validate(config);
        double centering = config.loss().centerRewardsCoefficient().orElse(0);
        var objective = new RewardObjective(new RewardLoss(centering));
        return GivenRows.trainer(
                config, objective, model, Optional.empty(), pairs, evalSets, context);
    }

    @Override
    public String method() {
        return "reward";
    }

    @Override
    public HeadRequest request() {
        return HeadRequest.of();
    }

    @Override
    public RewardForest layout(List<RewardExample> pairs, boolean shares) {
        return RewardForest.of(pairs.stream().map(RewardExample::pair).toList(), shares);
    }

    @Override
    public String fingerprint(List<RewardExample> pairs) {
        return Fingerprints.ofRewardPairs(pairs);
    }

    @Override
    public RewardSums training(List<RowAt<RewardExample>> pairs, int microBatches) {
        return new RewardSums(loss, pairs, microBatches);
    }

    @Override
    public String heldoutMetric() {
        return MetricKeys.PREFERENCE_ACCURACY;
    }
}
