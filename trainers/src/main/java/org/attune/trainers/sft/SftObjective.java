package org.attune.trainers.sft;

import org.attune.policy.CausalPolicy;
import org.attune.policy.Divergence;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Scorer;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.layout.SftForest;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.TimedPolicy;
import org.attune.trainers.rows.GivenRows;
import org.attune.trainers.rows.RowObjective;
import org.attune.trainers.step.GroupQuestion;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.Trainer;

import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Supervised fine-tuning: the loss over the trained tokens of a step. Read [SftSums], then
/// [SftLoss].
///
/// @param loss of a token
/// @param labelSmoothing `ε` of [HeadRequest#labelSmoothing]
/// @param anchor what the policy is held to; empty: nothing
public record SftObjective(
        SftLoss loss, double labelSmoothing, Optional<Anchor> anchor, boolean equalBatches)
        implements RowObjective<PackedRow, SftForest> {
    private static final Divergence FROM_ANCHOR = new Divergence.ForwardKl();

    /// A frozen model that the policy stays near: to a token's loss is added
    /// ```
    /// α KL(frozen model ‖ policy)
    /// ```
    /// over the whole vocabulary (anchored supervised fine-tuning, arXiv 2509.23753).
    ///
    /// @param alpha `α`; ≥ 0
    /// @param model borrowed
    public record Anchor(double alpha, Scorer model) {}

    /// The trainer of a run.
    ///
    /// @param config checked here
    /// @param policy with the values to start from. The caller closes it
    /// @param start what the policy starts as, and stays; needed with `loss_type: asft`. The caller
    ///     closes it
    /// @param rows training rows, prepared
    /// @param evalSets may be empty
    /// @throws org.attune.error.ConfigException with all problems of the configuration
    public static Trainer<PackedRow, SftForest> trainer(
            SftConfig config,
            CausalPolicy policy,
            Optional<Scorer> start,
            List<PackedRow> rows,
            List<EvalSet<PackedRow>> evalSets,
            RunContext context) {
        Optional<Scorer> timed = start.map(s -> TimedPolicy.reference(s, context.clock()));
        SftLossConfig loss = ConfigCheck.validate(config).loss();
        SftObjective objective = of(loss, timed, policy.equalBatches());
        return GivenRows.trainer(
                config, objective, policy, Optional.empty(), rows, evalSets, context);
    }

    private static SftObjective of(
            SftLossConfig config, Optional<Scorer> start, boolean equalBatches) {
        return new SftObjective(
                switch (config.lossType()) {
                    case NLL, CHUNKED_NLL -> new SftLoss.Nll();
                    case DFT, ASFT -> new SftLoss.Dft();
                    case EAFT -> new SftLoss.Eaft(config.eaftAlpha());
                },
                config.labelSmoothingFactor(),
                config.lossType() == SftLossType.ASFT
                        ? Optional.of(new Anchor(config.asftAlpha(), start.orElseThrow()))
                        : Optional.empty(),
                equalBatches);
    }

    @Override
    public String method() {
        return "sft";
    }

    @Override
    public HeadRequest request() {
        return new HeadRequest(statistics(), 1).withLabelSmoothing(labelSmoothing);
    }

    private Set<HeadStatistic> statistics() {
        var statistics = EnumSet.of(HeadStatistic.ENTROPY, HeadStatistic.ARGMAX_HIT);
        if (loss.readsTopEntropy()) {
            statistics.add(HeadStatistic.TOP_ENTROPY);
        }
        return statistics;
    }

    @Override
    public GroupQuestion ask(SftForest forest) {
        return anchor.map(
                        a ->
                                GroupQuestion.comparing(
                                        FROM_ANCHOR,
                                        a.model().read(forest.forest()),
                                        1,
                                        statistics()))
                .orElseGet(() -> GroupQuestion.of(request()));
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
        return new SftSums(this, rows, microBatches);
    }

    @Override
    public String heldoutMetric() {
        return MetricKeys.LOSS;
    }
}
