package org.attune.trainers.unpaired;

import org.attune.policy.CausalPolicy;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Scorer;
import org.attune.trainers.batch.BatchPlan;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.examples.KtoExample;
import org.attune.trainers.examples.UnpairedExample;
import org.attune.trainers.layout.UnpairedForest;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.rows.FrozenModel;
import org.attune.trainers.rows.GivenRows;
import org.attune.trainers.rows.ReferenceColumns;
import org.attune.trainers.rows.RowObjective;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.Trainer;

import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// Kahneman-Tversky optimisation on completions that are labelled good or not. Read [KtoSums], then
/// [KtoLoss].
///
/// @param loss the formula
/// @param estimates whether the divergence is estimated on mismatched completions
public record KtoObjective(KtoLoss loss, boolean estimates)
        implements RowObjective<KtoExample, UnpairedForest> {

    /// The trainer of a run.
    ///
    /// @param config checked here
    /// @param policy with the values to start from. The caller closes it
    /// @param reference scores as the frozen reference: the policy with its adapter off, a frozen
    ///     copy of the start adapter, or another model. It must not change with the policy. The
    ///     caller closes it
    /// @param rows training rows, prepared; with mismatched completions where `loss_type` is `kto`
    /// @param evalSets may be empty
    /// @throws org.attune.error.ConfigException with all problems of the configuration
    public static Trainer<KtoExample, UnpairedForest> trainer(
            KtoConfig config,
            CausalPolicy policy,
            Scorer reference,
            List<KtoExample> rows,
            List<EvalSet<KtoExample>> evalSets,
            RunContext context) {
        ConfigCheck.validate(config);
        KtoLossConfig loss = config.loss();
        var objective =
                new KtoObjective(
                        new KtoLoss(loss.beta(), loss.desirableWeight(), loss.undesirableWeight()),
                        config.estimatesDivergence());
        var frozen = Optional.of(FrozenModel.of(config, reference));
        return GivenRows.trainer(config, objective, policy, frozen, rows, evalSets, context);
    }

    @Override
    public String method() {
        return "kto";
    }

    /// What the metrics need.
    @Override
    public HeadRequest request() {
        return new HeadRequest(EnumSet.of(HeadStatistic.ENTROPY, HeadStatistic.MEAN_LOGIT), 1);
    }

    @Override
    public UnpairedForest layout(List<KtoExample> rows, boolean shares) {
        return UnpairedForest.of(own(rows), shares);
    }

    private static List<UnpairedExample> own(List<KtoExample> rows) {
        return rows.stream().map(KtoExample::row).toList();
    }

    @Override
    public String fingerprint(List<KtoExample> rows) {
        String own = Fingerprints.ofUnpaired(own(rows));
        boolean mismatched = rows.stream().allMatch(row -> row.mismatched().isPresent());
        return mismatched
                ? Fingerprints.ofText(
                        own
                                + Fingerprints.ofUnpaired(
                                        own(rows.stream().map(KtoExample::beside).toList())))
                : own;
    }

    @Override
    public Optional<UnaryOperator<KtoExample>> beside() {
        return estimates ? Optional.of(KtoExample::beside) : Optional.empty();
    }

    @Override
    public void advise(List<KtoExample> rows, BatchPlan plan) {
        LabelAdvice.give("KTO", own(rows), plan);
        WeightAdvice.give(loss, own(rows));
    }

    @Override
    public Optional<ReferenceColumns<UnpairedForest>> reference() {
        return Optional.of(new CompletionReference());
    }

    @Override
    public KtoSums training(List<RowAt<KtoExample>> rows, int microBatches) {
        return new KtoSums(loss, estimates, rows, microBatches);
    }

    @Override
    public String heldoutMetric() {
        return MetricKeys.ACCURACY;
    }
}
