package org.attune.trainers.unpaired;

import org.attune.error.ConfigException;
import org.attune.policy.CausalPolicy;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Scorer;
import org.attune.trainers.batch.BatchPlan;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.examples.UnpairedExample;
import org.attune.trainers.layout.UnpairedForest;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.RunParts;
import org.attune.trainers.rows.FrozenModel;
import org.attune.trainers.rows.GivenRows;
import org.attune.trainers.rows.PaddedLogits;
import org.attune.trainers.rows.ReferenceColumns;
import org.attune.trainers.rows.RowObjective;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.Trainer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Binary classifier optimisation on completions that are labelled good or not. Read [BcoSums],
/// then [BcoLoss].
public final class BcoObjective implements RowObjective<UnpairedExample, UnpairedForest> {
    private static final HeadRequest LOGITS =
            new HeadRequest(EnumSet.of(HeadStatistic.MEAN_LOGIT), 1);

    private final BcoLoss loss;
    private final Optional<PaddedLogits> paddedLogits;
    private RunningMean delta = RunningMean.NONE;

    /// @param paddedLogits measures logits apart, as TRL does; empty: each pass reports them
    private BcoObjective(BcoLoss loss, Optional<PaddedLogits> paddedLogits) {
        this.loss = loss;
        this.paddedLogits = paddedLogits;
    }

    /// The trainer of a run.
    ///
    /// @param config checked here
    /// @param policy with the values to start from. The caller closes it
    /// @param reference scores as the frozen reference: the policy with its adapter off, a frozen
    ///     copy of the start adapter, or another model. It must not change with the policy. The
    ///     caller closes it
    /// @param padId the tokenizer's padding token, which `trl_compat` alone needs
    /// @param rows training rows, prepared
    /// @param evalSets may be empty
    /// @throws ConfigException with all problems of the configuration, or if `trl_compat` lacks the
    ///     padding token
    public static Trainer<UnpairedExample, UnpairedForest> trainer(
            BcoConfig config,
            CausalPolicy policy,
            Scorer reference,
            OptionalInt padId,
            List<UnpairedExample> rows,
            List<EvalSet<UnpairedExample>> evalSets,
            RunContext context) {
        BcoObjective objective = of(ConfigCheck.validate(config), padId);
        var frozen = Optional.of(FrozenModel.of(config, reference));
        return GivenRows.trainer(config, objective, policy, frozen, rows, evalSets, context);
    }

    private static BcoObjective of(BcoConfig config, OptionalInt padId) {
        BcoLossConfig loss = config.loss();
        Optional<PaddedLogits> logits = Optional.empty();
        if (loss.trlCompat()) {
            var budget = RunParts.budget(config.training().batch());
            logits = Optional.of(PaddedLogits.of(padId, HeadStatistic.SUM_LOGIT, 0, budget));
        }
        return new BcoObjective(
                new BcoLoss(loss.beta(), loss.desirableWeight(), loss.undesirableWeight()), logits);
    }

    @Override
    public boolean followsOrder() {
        return true;
    }

    @Override
    public String method() {
        return "bco";
    }

    /// Asks for logits, which with `trl_compat` are measured apart.
    @Override
    public HeadRequest request() {
        return paddedLogits.isPresent() ? HeadRequest.of() : LOGITS;
    }

    @Override
    public UnpairedForest layout(List<UnpairedExample> rows, boolean shares) {
        return UnpairedForest.of(rows, shares);
    }

    @Override
    public String fingerprint(List<UnpairedExample> rows) {
        return Fingerprints.ofUnpaired(rows);
    }

    @Override
    public void advise(List<UnpairedExample> rows, BatchPlan plan) {
        LabelAdvice.give("BCO", rows, plan);
    }

    @Override
    public Optional<ReferenceColumns<UnpairedForest>> reference() {
        return Optional.of(new CompletionReference());
    }

    /// A training step, whose rewards move δ.
    @Override
    public BcoSums training(List<RowAt<UnpairedExample>> rows, int microBatches) {
        var shift = new BcoSums.Shift(delta, RunningMean::with, moved -> delta = moved);
        return new BcoSums(loss, shift, rows, microBatches, paddedLogits);
    }

    /// An evaluation, which leaves δ as it is.
    @Override
    public BcoSums evaluation(List<RowAt<UnpairedExample>> rows, int microBatches) {
        var shift = new BcoSums.Shift(delta, (same, _) -> same, _ -> {});
        return new BcoSums(loss, shift, rows, microBatches, paddedLogits);
    }

    @Override
    public String heldoutMetric() {
        return MetricKeys.ACCURACY;
    }

    @Override
    public void save(Path folder) throws IOException {
        DeltaFile.write(folder, delta);
    }

    @Override
    public void restore(Path folder) {
        delta = DeltaFile.read(folder);
    }
}
