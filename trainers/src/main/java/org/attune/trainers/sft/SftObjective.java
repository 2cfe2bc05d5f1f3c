package org.attune.trainers.sft;

import org.attune.policy.CausalPolicy;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.layout.SftForest;
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

/// Supervised fine-tuning: the loss over the trained tokens of a step. Read [SftSums], then
/// [SftLoss].
///
/// @param loss of a token
/// @param labelSmoothing `ε` of [HeadRequest#labelSmoothing]
public record SftObjective(SftLoss loss, double labelSmoothing)
        implements RowObjective<PackedRow, SftForest> {
    private static final HeadRequest REQUEST =
            HeadRequest.of(HeadStatistic.ENTROPY, HeadStatistic.ARGMAX_HIT);

    /// The trainer of a run.
    ///
    /// @param config checked here
    /// @param policy with the values to start from. The caller closes it
    /// @param rows training rows, prepared
    /// @param evalSets may be empty
    /// @throws org.attune.error.ConfigException with all problems of the configuration
    public static Trainer<PackedRow, SftForest> trainer(
            SftConfig config,
            CausalPolicy policy,
            List<PackedRow> rows,
            List<EvalSet<PackedRow>> evalSets,
            RunContext context) {
        SftObjective objective = of(ConfigCheck.validate(config));
        return GivenRows.trainer(
                config, objective, policy, Optional.empty(), rows, evalSets, context);
    }

    private static SftObjective of(SftConfig config) {
        return new SftObjective(
                switch (config.loss().lossType()) {
                    case NLL -> new SftLoss.Nll();
                    case DFT -> new SftLoss.Dft();
                },
                config.loss().labelSmoothingFactor());
    }

    @Override
    public String method() {
        return "sft";
    }

    @Override
    public HeadRequest request() {
        return REQUEST.withLabelSmoothing(labelSmoothing);
    }

    @Override
    public SftForest layout(List<PackedRow> rows, boolean shares) {
        return SftForest.of(rows, shares);
    }

    @Override
    public String fingerprint(List<PackedRow> rows) {
        return Fingerprints.ofRows(rows);
    }

    @Override
    public SftSums training(List<RowAt<PackedRow>> rows, int microBatches) {
        return new SftSums(loss, rows, microBatches);
    }

    @Override
    public String heldoutMetric() {
        return MetricKeys.LOSS;
    }
}
