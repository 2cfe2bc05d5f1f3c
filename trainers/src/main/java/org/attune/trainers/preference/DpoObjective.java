package org.attune.trainers.preference;

import org.attune.policy.CausalPolicy;
import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.policy.Scorer;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.layout.PreferenceForest;
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

/// Direct preference optimisation and its relatives. Read [PairSums], then [PreferenceObjective],
/// then [PreferenceLoss].
///
/// @param formula the losses
/// @param beta β, the factor of implicit rewards in metrics
/// @param weighted whether pairs are weighted by WPO
public record DpoObjective(PreferenceObjective formula, double beta, boolean weighted)
        implements RowObjective<PreferenceExample, PreferenceForest> {

    /// The trainer of a run.
    ///
    /// @param config checked here
    /// @param policy with the values to start from. The caller closes it
    /// @param reference scores as the frozen reference: the policy with its adapter off, a frozen
    ///     copy of the start adapter, or another model. It must not change with the policy. The
    ///     caller closes it
    /// @param pairs training pairs, prepared
    /// @param evalSets may be empty
    /// @throws org.attune.error.ConfigException with all problems of the configuration
    public static Trainer<PreferenceExample, PreferenceForest> trainer(
            DpoConfig config,
            CausalPolicy policy,
            Scorer reference,
            List<PreferenceExample> pairs,
            List<EvalSet<PreferenceExample>> evalSets,
            RunContext context) {
        ConfigCheck.validate(config);
        var objective =
                new DpoObjective(
                        DpoObjectives.of(config),
                        config.loss().beta(),
                        config.variant().useWeighting());
        var frozen = Optional.of(FrozenModel.of(config, reference));
        return GivenRows.trainer(config, objective, policy, frozen, pairs, evalSets, context);
    }

    @Override
    public String method() {
        return "dpo";
    }

    /// What the metrics and WPO's weights need.
    @Override
    public HeadRequest request() {
        var statistics =
                EnumSet.of(
                        HeadStatistic.ENTROPY, HeadStatistic.ARGMAX_HIT, HeadStatistic.MEAN_LOGIT);
        if (weighted) {
            statistics.add(HeadStatistic.LOG_SUM_SQUARED_PROBS);
        }
        return new HeadRequest(statistics, 1);
    }

    @Override
    public PreferenceForest layout(List<PreferenceExample> pairs, boolean shares) {
        return PreferenceForest.of(pairs, shares);
    }

    @Override
    public String fingerprint(List<PreferenceExample> pairs) {
        return Fingerprints.ofPairs(pairs);
    }

    @Override
    public Optional<ReferenceColumns<PreferenceForest>> reference() {
        return Optional.of(new PairReference(formula));
    }

    @Override
    public PairSums training(List<RowAt<PreferenceExample>> pairs, int microBatches) {
        return new PairSums(this, pairs, microBatches, formula.couplesPairs());
    }

    @Override
    public PairSums evaluation(List<RowAt<PreferenceExample>> pairs, int microBatches) {
        return new PairSums(this, pairs, microBatches, true);
    }

    @Override
    public String heldoutMetric() {
        return MetricKeys.PREFERENCE_ACCURACY;
    }
}
