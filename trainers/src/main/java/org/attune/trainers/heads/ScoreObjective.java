package org.attune.trainers.heads;

import org.attune.policy.HeadRequest;
import org.attune.trainers.examples.LabelledExample;
import org.attune.trainers.loop.Fingerprints;
import org.attune.trainers.rows.RowObjective;
import org.attune.trainers.step.RowAt;

import java.util.List;

/// A model whose head scores sequences or their words. Read [ScoreSums], then [HeadLoss].
///
/// @param task what is learnt
record ScoreObjective(HeadTask task) implements RowObjective<LabelledExample, LabelledForest> {
    @Override
    public String method() {
        return task.method();
    }

    @Override
    public HeadRequest request() {
        return HeadRequest.of();
    }

    @Override
    public LabelledForest layout(List<LabelledExample> rows, boolean shares) {
        return LabelledForest.of(rows, shares, task.labels(), false);
    }

    @Override
    public String fingerprint(List<LabelledExample> rows) {
        return Fingerprints.ofLabelled(rows);
    }

    @Override
    public ScoreSums training(List<RowAt<LabelledExample>> rows, int microBatches) {
        return new ScoreSums(task, rows, microBatches);
    }

    @Override
    public String heldoutMetric() {
        return task.quality();
    }
}
