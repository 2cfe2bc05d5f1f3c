package org.attune.trainers.rows;

import org.attune.policy.HeadRequest;
import org.attune.policy.Measurement;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.layout.RowForest;
import org.attune.trainers.step.GroupQuestion;
import org.attune.trainers.step.RowAt;
import org.attune.trainers.step.StepObjective;
import org.attune.trainers.step.StepSums;

import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/// A [RowObjective] for one step or evaluation, with the reference that it has there.
///
/// @param opening opens the sums of rows in a number of micro-batches
/// @param <R> kind of row
/// @param <F> how rows are laid out
record ReferencedObjective<R extends TrainingRow, F extends RowForest>(
        RowObjective<R, F> objective,
        References.Both<R, F> references,
        BiFunction<List<RowAt<R>>, Integer, StepSums<R, F>> opening)
        implements StepObjective<R, F> {
    static <R extends TrainingRow, F extends RowForest> StepObjective<R, F> training(
            RowObjective<R, F> objective, References.Both<R, F> references) {
        return new ReferencedObjective<>(objective, references, objective::training);
    }

    static <R extends TrainingRow, F extends RowForest> StepObjective<R, F> evaluation(
            RowObjective<R, F> objective, References.Both<R, F> references) {
        return new ReferencedObjective<>(objective, references, objective::evaluation);
    }

    @Override
    public List<int[]> sequences(R row) {
        return row.sequences();
    }

    @Override
    public int tokens(R row) {
        return row.length();
    }

    @Override
    public F layout(List<R> rows, boolean shares) {
        return objective.layout(rows, shares);
    }

    @Override
    public GroupQuestion ask(List<RowAt<R>> group, F forest) {
        Optional<List<double[]>> answered = references.rows().ask(group, forest);
        return new Question<>(objective.ask(forest), answered, objective, forest);
    }

    @Override
    public GroupQuestion askBeside(List<RowAt<R>> group, F forest) {
        return new Question<>(
                GroupQuestion.of(HeadRequest.of()),
                references.beside().ask(group, forest),
                objective,
                forest);
    }

    @Override
    public StepSums<R, F> open(List<RowAt<R>> rows, int microBatches) {
        return opening.apply(rows, microBatches);
    }

    @Override
    public boolean followsOrder() {
        return objective.followsOrder();
    }

    @Override
    public Optional<UnaryOperator<R>> beside() {
        return objective.beside();
    }

    /// @param asked of the policy's head
    /// @param answered empty: the policy still is its reference, so its numbers are used
    private record Question<F extends RowForest>(
            GroupQuestion asked,
            Optional<List<double[]>> answered,
            RowObjective<?, F> objective,
            F forest)
            implements GroupQuestion {
        @Override
        public HeadRequest request() {
            return asked.request();
        }

        @Override
        public void close() {
            asked.close();
        }

        @Override
        public List<double[]> reference(Measurement policy) {
            return answered.orElseGet(
                    () -> objective.reference().orElseThrow().read(forest, policy.tokenLogProbs()));
        }
    }
}
