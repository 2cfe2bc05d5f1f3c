package org.attune.trainers.step;

import org.attune.trainers.layout.RowForest;

import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// What a step or an evaluation makes of its rows. It knows no devices, files or clocks:
/// [StepEngine] decides which rows are computed together, and by which process.
///
/// @param <R> kind of row
/// @param <F> how rows are laid out
public interface StepObjective<R, F extends RowForest> {
    /// Token ids of a row's sequences.
    List<int[]> sequences(R row);

    /// Number of tokens of a row.
    default int tokens(R row) {
        return sequences(row).stream().mapToInt(ids -> ids.length).sum();
    }

    /// What rows have in common that must be computed by the same logical device; empty where each
    /// row may go anywhere.
    default Optional<Object> together(R row) {
        return Optional.empty();
    }

    /// Lays a group of rows out for one pass.
    ///
    /// @param shares whether what sequences begin with in common is computed once
    F layout(List<R> rows, boolean shares);

    /// Asks about a group. Frozen models answer at once.
    GroupQuestion ask(List<RowAt<R>> group, F forest);

    /// Opens the sums of the step or evaluation.
    ///
    /// @param rows all its rows
    /// @param microBatches number of logical micro-batches; ≥ 1
    StepSums<R, F> open(List<RowAt<R>> rows, int microBatches);

    /// Whether what a micro-batch teaches follows from those before it too. Its rows are then
    /// measured before any gradient is taken, where a step has several logical devices.
    default boolean followsOrder() {
        return false;
    }

    /// Makes of a row the one that is measured beside it, without gradients, before any loss of a
    /// step is taken ([StepSums#noteBeside]); empty where losses need no such thing.
    default Optional<UnaryOperator<R>> beside() {
        return Optional.empty();
    }

    /// Asks about a group of rows [beside][#beside] others.
    default GroupQuestion askBeside(List<RowAt<R>> group, F forest) {
        throw new IllegalStateException("no rows stand beside others");
    }
}
