package org.attune.trainers.batch;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The rows of every optimizer step of a run, by its number alone: the data position of a
/// checkpoint is its step.
///
/// An epoch's rows are cut into micro-batches, these into accumulation windows, one per step. The
/// last micro-batch and the last window of an epoch may be short; no window crosses an epoch.
///
/// @param rows number of rows; ≥ 1
/// @param microBatchRows rows of a logical micro-batch; ≥ 1
/// @param accumulation micro-batches of a step; ≥ 1
/// @param dropLast whether an epoch's last, incomplete micro-batch is left out
/// @param order which row comes when
public record BatchPlan(
        int rows, int microBatchRows, int accumulation, boolean dropLast, RowOrder order) {

    /// @throws IllegalArgumentException if a number is below 1, or `dropLast` leaves nothing
    public BatchPlan {
        if (rows < 1 || microBatchRows < 1 || accumulation < 1) {
            throw new IllegalArgumentException(
                    "rows, microBatchRows and accumulation must be >= 1, got %d, %d, %d"
                            .formatted(rows, microBatchRows, accumulation));
        }
        if (dropLast && rows < microBatchRows) {
            throw new IllegalArgumentException(
                    "dataloader_drop_last leaves nothing of %d rows in batches of %d"
                            .formatted(rows, microBatchRows));
        }
    }

    /// The rows of one step.
    ///
    /// @param step from 0
    /// @param epoch from 0
    /// @param microBatches row numbers of each logical micro-batch, in order
    public record Window(int step, int epoch, List<int[]> microBatches) {
        public Window {
            microBatches = List.copyOf(microBatches);
        }

        /// Number of rows.
        public int rows() {
            return microBatches.stream().mapToInt(rows -> rows.length).sum();
        }
    }

    /// Logical micro-batches of an epoch.
    public int microBatchesPerEpoch() {
        return dropLast ? rows / microBatchRows : Math.ceilDiv(rows, microBatchRows);
    }

    /// Optimizer steps of an epoch.
    public int stepsPerEpoch() {
        return Math.ceilDiv(microBatchesPerEpoch(), accumulation);
    }

    /// Optimizer steps of `epochs` passes over the data, rounded up.
    public int steps(double epochs) {
        return (int) Math.ceil(epochs * stepsPerEpoch());
    }

    /// The rows of step `step`, counted from 0.
    public Window window(int step) {
        int epoch = step / stepsPerEpoch();
        int first = (step % stepsPerEpoch()) * accumulation;
        int end = Math.min(microBatchesPerEpoch(), first + accumulation);
        int start = first * microBatchRows;
        int[] places = order.part(epoch, rows, start, Math.min(rows, end * microBatchRows));
        List<int[]> microBatches = new ArrayList<>();
        for (int m = first; m < end; m++) {
            int from = m * microBatchRows - start;
            int to = Math.min(places.length, from + microBatchRows);
            microBatches.add(Arrays.copyOfRange(places, from, to));
        }
        return new Window(step, epoch, microBatches);
    }
}
