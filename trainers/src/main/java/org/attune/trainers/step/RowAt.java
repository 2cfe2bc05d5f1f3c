package org.attune.trainers.step;

import org.attune.trainers.batch.BatchPlan;

import java.util.ArrayList;
import java.util.List;

/// A row of a step with its place in it.
///
/// @param row the prepared row
/// @param index its number in the data
/// @param microBatch the logical micro-batch that it belongs to
/// @param position its number in the step
public record RowAt<T>(T row, int index, int microBatch, int position) {
    /// The rows of a window, in order.
    public static <T> List<RowAt<T>> of(BatchPlan.Window window, List<T> rows) {
        List<RowAt<T>> placed = new ArrayList<>();
        for (int m = 0; m < window.microBatches().size(); m++) {
            for (int index : window.microBatches().get(m)) {
                placed.add(new RowAt<>(rows.get(index), index, m, placed.size()));
            }
        }
        return placed;
    }

    /// Another row in the same place.
    <S> RowAt<S> with(S other) {
        return new RowAt<>(other, index, microBatch, position);
    }

    /// The rows alone.
    public static <T> List<T> rows(List<RowAt<T>> placed) {
        return placed.stream().map(RowAt::row).toList();
    }
}
