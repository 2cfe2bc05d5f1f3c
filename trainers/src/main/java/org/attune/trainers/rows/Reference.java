package org.attune.trainers.rows;

import org.attune.policy.HeadRequest;
import org.attune.policy.Scorer;
import org.attune.trainers.layout.RowForest;
import org.attune.trainers.step.RowAt;

import java.util.List;
import java.util.Optional;

/// A source of a frozen model's numbers for one list of rows.
///
/// @param <R> kind of row
/// @param <F> how rows are laid out
sealed interface Reference<R, F extends RowForest> {
    /// Asks for the numbers of a group's rows; empty: the policy's numbers are used.
    Optional<List<double[]>> ask(List<RowAt<R>> group, F forest);

    /// No reference, so no numbers.
    record None<R, F extends RowForest>() implements Reference<R, F> {
        @Override
        public Optional<List<double[]>> ask(List<RowAt<R>> group, F forest) {
            return Optional.of(List.of());
        }
    }

    /// The policy, as long as it is what it started as.
    record Policy<R, F extends RowForest>() implements Reference<R, F> {
        @Override
        public Optional<List<double[]>> ask(List<RowAt<R>> group, F forest) {
            return Optional.empty();
        }
    }

    /// Scored anew each time.
    record Live<R, F extends RowForest>(Scorer scorer, ReferenceColumns<F> columns)
            implements Reference<R, F> {
        private static final HeadRequest REQUEST = HeadRequest.of();

        @Override
        public Optional<List<double[]>> ask(List<RowAt<R>> group, F forest) {
            return Optional.of(rows(forest));
        }

        List<double[]> rows(F forest) {
            return columns.read(forest, scorer.measure(forest.forest(), REQUEST).tokenLogProbs());
        }
    }

    /// Computed once.
    ///
    /// @param columns an array for each number, by the row's number in the data
    record Precomputed<R, F extends RowForest>(List<double[]> columns) implements Reference<R, F> {
        @Override
        public Optional<List<double[]>> ask(List<RowAt<R>> group, F forest) {
            return Optional.of(group.stream().map(row -> cells(row.index())).toList());
        }

        private double[] cells(int row) {
            return columns.stream().mapToDouble(column -> column[row]).toArray();
        }
    }
}
