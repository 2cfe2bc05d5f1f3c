package org.attune.trainers.scoring;

import org.attune.policy.CausalPolicy;
import org.attune.policy.HeadRequest;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.examples.StepwiseExample;
import org.attune.trainers.layout.StepwiseForest;
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

/// A process reward model: whether each reasoning step of a solution is right. Read
/// [StepwiseSums], then [StepLoss].
public record PrmObjective() implements RowObjective<StepwiseExample, StepwiseForest> {
    /// The trainer of a run.
    ///
    /// @param config checked here
    /// @param model a token-classification model of two labels, wrong and right, with the values to
    ///     start from, which gives scores where a causal language model gives log-probabilities.
    ///     The caller closes it
    /// @param rows training rows, prepared
    /// @param evalSets may be empty
    /// @throws org.attune.error.ConfigException with all problems of the configuration
    public static Trainer<StepwiseExample, StepwiseForest> trainer(
            PrmConfig config,
            CausalPolicy model,
            List<StepwiseExample> rows,
            List<EvalSet<StepwiseExample>> evalSets,
            RunContext context) {
        ConfigCheck.validate(config);
        return GivenRows.trainer(
                config, new PrmObjective(), model, Optional.empty(), rows, evalSets, context);
    }

    @Override
    public String method() {
        return "prm";
    }

    @Override
    public HeadRequest request() {
        return HeadRequest.of();
    }

    @Override
    public StepwiseForest layout(List<StepwiseExample> rows, boolean shares) {
        return StepwiseForest.of(rows, shares);
    }

    @Override
    public String fingerprint(List<StepwiseExample> rows) {
        return Fingerprints.ofStepwise(rows);
    }

    @Override
    public StepwiseSums training(List<RowAt<StepwiseExample>> rows, int microBatches) {
        return new StepwiseSums(rows, microBatches);
    }

    @Override
    public String heldoutMetric() {
        return MetricKeys.ACCURACY;
    }
}
