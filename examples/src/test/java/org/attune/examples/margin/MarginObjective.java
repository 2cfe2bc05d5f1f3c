package org.attune.examples.margin;

import org.attune.policy.HeadRequest;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.layout.PreferenceForest;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.loop.MetricKeys;
import org.attune.trainers.rows.RowObjective;
import org.attune.trainers.step.RowAt;

import java.util.List;

/// Preference pairs under [MarginLoss].
record MarginObjective(MarginLoss loss)
        implements RowObjective<PreferenceExample, PreferenceForest> {
    @Override
    public String method() {
        return "margin";
    }

    @Override
    public HeadRequest request() {
        return HeadRequest.of();
    }

    @Override
    public PreferenceForest layout(List<PreferenceExample> rows, boolean shares) {
        return PreferenceForest.of(rows, shares);
    }

    @Override
    public String fingerprint(List<PreferenceExample> rows) {
        return Fingerprints.ofPairs(rows);
    }

    @Override
    public MarginSums training(List<RowAt<PreferenceExample>> rows, int microBatches) {
        return new MarginSums(loss, rows);
    }

    @Override
    public String heldoutMetric() {
        return MetricKeys.PREFERENCE_ACCURACY;
    }
}
