package org.attune.trainers.rows;

import org.attune.policy.HeadRequest;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.policy.TokenForest;

import java.util.List;

/// The frozen model that a policy is held to, as a source of log-probabilities for one list of
/// rows.
///
/// @param <R> kind of row
/// @param <F> how a group of rows is laid out
/// @param <L> log-probabilities of a row's completions
public sealed interface Reference<R, F, L> {
    /// The reference's log-probabilities of a group of rows.
    ///
    /// @param forest how the group is laid out
    List<L> logProbs(List<RowAt<R>> group, F forest);

    /// How a model reads a group.
    interface Layout<F, L> {
        /// The rows' layout for the model.
        TokenForest tokens(F forest);

        /// What a forest's log-probabilities say of each of its rows.
        ///
        /// @param tokenLogProbs `(M)`
        List<L> read(F forest, float[] tokenLogProbs);
    }

    /// Scored anew each time: the policy with its adapter off, a frozen copy of the start, or
    /// another model.
    record Live<R, F, L>(Scorer scorer, Layout<F, L> layout) implements Reference<R, F, L> {
        private static final HeadRequest REQUEST = HeadRequest.of();

        @Override
        public List<L> logProbs(List<RowAt<R>> group, F forest) {
            Measurement measured = scorer.measure(layout.tokens(forest), REQUEST);
            return layout.read(forest, measured.tokenLogProbs());
        }
    }

    /// Computed once.
    ///
    /// @param rows by the row's number in the data
    record Precomputed<R, F, L>(List<L> rows) implements Reference<R, F, L> {
        public Precomputed {
            rows = List.copyOf(rows);
        }

        @Override
        public List<L> logProbs(List<RowAt<R>> group, F forest) {
            return group.stream().map(row -> rows.get(row.index())).toList();
        }
    }
}
