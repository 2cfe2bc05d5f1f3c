package org.attune.trainers.rows;

import org.attune.policy.HeadRequest;
import org.attune.trainers.batch.BatchPlan;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.layout.RowForest;
import org.attune.trainers.step.GroupQuestion;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepSums;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// What a method makes of its rows. [org.attune.trainers.step.StepEngine] and
/// [org.attune.trainers.step.Trainer] do the rest: which rows a step has, which of them are
/// computed together, passes, reference, evaluation, updates, checkpoints.
///
/// One instance belongs to one run and is called from the engine thread only.
///
/// @param <R> kind of row
/// @param <F> how rows are laid out
public interface RowObjective<R extends TrainingRow, F extends RowForest> {
    /// The method's name, as in `attune sft`.
    String method();

    /// What the model's head reports of each target beside its log-probability or score.
    HeadRequest request();

    /// Asks the policy's head about a group. A frozen model whose distributions it is compared with
    /// answers at once.
    default GroupQuestion ask(F forest) {
        return GroupQuestion.of(request());
    }

    /// Lays a group of rows out for one pass.
    ///
    /// @param shares whether what sequences begin with in common is computed once
    F layout(List<R> rows, boolean shares);

    /// Tells these rows from others: a run resumes with the same rows only.
    String fingerprint(List<R> rows);

    /// Opens the sums of a training step.
    ///
    /// @param rows all rows of the step
    /// @param microBatches number of logical micro-batches; ≥ 1
    StepSums<R, F> training(List<RowAt<R>> rows, int microBatches);

    /// Opens the sums of an evaluation, whose batches are the micro-batches.
    ///
    /// @param rows all rows of the evaluation set
    /// @param microBatches number of batches; ≥ 1
    default StepSums<R, F> evaluation(List<RowAt<R>> rows, int microBatches) {
        return training(rows, microBatches);
    }

    /// The metric by which held-out quality before and after training is compared.
    String heldoutMetric();

    /// What the frozen model is asked about each row; empty without a reference.
    default Optional<ReferenceColumns<F>> reference() {
        return Optional.empty();
    }

    /// Makes of a row the one that is measured beside it, without gradients, before any loss of a
    /// step is taken ([StepSums#noteBeside]); empty where losses need no such thing.
    default Optional<UnaryOperator<R>> beside() {
        return Optional.empty();
    }

    /// Whether what a micro-batch teaches follows from those before it too. Its rows are then
    /// measured before any gradient is taken, where a step has several logical devices.
    default boolean followsOrder() {
        return false;
    }

    /// Logs a warning about rows from which little is learnt.
    ///
    /// @param plan which rows the steps have
    default void advise(List<R> rows, BatchPlan plan) {}

    /// Writes what a checkpoint must hold for this objective.
    default void save(Path folder) throws IOException {}

    /// Restores what [#save] wrote.
    default void restore(Path folder) {}
}
