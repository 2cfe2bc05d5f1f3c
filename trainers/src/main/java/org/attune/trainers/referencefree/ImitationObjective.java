package org.attune.trainers.referencefree;

import org.attune.policy.HeadRequest;
import org.attune.policy.HeadStatistic;
import org.attune.trainers.examples.ImitationPair;
import org.attune.trainers.layout.ImitationForest;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.rows.PaddedLogits;
import org.attune.trainers.rows.RowObjective;
import org.attune.trainers.step.RowAt;

import java.util.EnumSet;
import java.util.List;
import java.util.Optional;

/// A preference loss without a reference, plus the negative log-likelihood of imitated tokens. Read
/// [ImitationSums], then [PairLoss].
///
/// @param method its name
/// @param loss of a pair
/// @param weight factor of the negative log-likelihood; ≥ 0
/// @param paddedLogits measures logits apart, as TRL does; empty: each pass reports them
record ImitationObjective(
        String method, PairLoss loss, double weight, Optional<PaddedLogits> paddedLogits)
        implements RowObjective<ImitationPair, ImitationForest> {
    /// What the metrics need.
    @Override
    public HeadRequest request() {
        var statistics = EnumSet.of(HeadStatistic.ENTROPY, HeadStatistic.ARGMAX_HIT);
        if (paddedLogits.isEmpty()) {
            statistics.add(HeadStatistic.MEAN_LOGIT);
        }
        return new HeadRequest(statistics, 1);
    }

    @Override
    public ImitationForest layout(List<ImitationPair> rows, boolean shares) {
        return ImitationForest.of(rows, shares);
    }

    @Override
    public String fingerprint(List<ImitationPair> rows) {
        return Fingerprints.ofImitations(rows);
    }

    @Override
    public ImitationSums training(List<RowAt<ImitationPair>> rows, int microBatches) {
        return new ImitationSums(this, rows, microBatches);
    }

    @Override
    public String heldoutMetric() {
        return MetricKeys.PREFERENCE_ACCURACY;
    }
}
