package org.attune.trainers.step;

import org.attune.trainers.layout.RowForest;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// The rows of a step, with what they are for.
///
/// @param objective loss and layout
/// @param rows in their places; their positions are 0, 1, 2 …
/// @param microBatches number of logical micro-batches; ≥ 1
/// @param metrics known before the step, as those of completions; may be empty
/// @param origins where the rows come from, for messages
/// @param <R> kind of row
/// @param <F> how rows are laid out
public record StepRows<R, F extends RowForest>(
        StepObjective<R, F> objective,
        List<RowAt<R>> rows,
        int microBatches,
        List<Map<String, Double>> metrics,
        Supplier<List<String>> origins) {
    public StepRows {
        rows = List.copyOf(rows);
        metrics = List.copyOf(metrics);
    }
}
