package org.attune.trainers.unpaired;

import org.attune.trainers.batch.BatchPlan;
import org.attune.trainers.examples.UnpairedExample;
import org.attune.trainers.step.RowAt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.Optional;

/// Warns of labels from which a classifier learns little: all of them equal, or in steps that have
/// one label each, as in file order behind unpaired preference pairs.
final class LabelAdvice {
    private static final Logger LOG = LoggerFactory.getLogger(LabelAdvice.class);

    /// Steps that are looked at, from the first on.
    private static final int STEPS = 100;

    private LabelAdvice() {}

    /// Logs the warning, if there is one.
    ///
    /// @param method its name in the message
    static void give(String method, List<UnpairedExample> rows, BatchPlan plan) {
        warning(method, rows, plan).ifPresent(LOG::warn);
    }

    static Optional<String> warning(String method, List<UnpairedExample> rows, BatchPlan plan) {
        long desirable = rows.stream().filter(UnpairedExample::desirable).count();
        if (desirable == 0 || desirable == rows.size()) {
            return Optional.of(
                    "all %d rows have label %s; %s learns to tell true from false, give rows of both"
                            .formatted(rows.size(), desirable > 0, method));
        }
        int steps = Math.min(plan.stepsPerEpoch(), STEPS);
        int oneSided = 0;
        for (int step = 0; step < steps; step++) {
            List<Boolean> labels =
                    RowAt.of(plan.window(step), rows).stream()
                            .map(p -> p.row().desirable())
                            .distinct()
                            .toList();
            oneSided += labels.size() == 1 ? 1 : 0;
        }
        return 2 * oneSided > steps && plan.microBatchRows() > 1
                ? Optional.of(
                        ("%d of the first %d steps have rows of one label only; mix them with"
                                        + " train_sampling_strategy: random")
                                .formatted(oneSided, steps))
                : Optional.empty();
    }
}
