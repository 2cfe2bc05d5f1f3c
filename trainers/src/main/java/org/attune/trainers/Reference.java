package org.attune.trainers;

import org.attune.datasets.PreferenceExample;
import org.attune.datasets.PreferenceForest;
import org.attune.policy.HeadRequest;
import org.attune.policy.Measurement;
import org.attune.policy.Scorer;
import org.attune.trainers.preference.PreferenceObjective;
import org.attune.trainers.preference.ReferenceLogProbs;

import java.util.ArrayList;
import java.util.List;

/// The frozen model that a policy is held to, as a source of log-probabilities for one list of
/// pairs.
sealed interface Reference {
    /// The reference's log-probabilities of a group of pairs.
    ///
    /// @param forest how the group is laid out
    List<ReferenceLogProbs> logProbs(
            List<Placed<PreferenceExample>> group, PreferenceForest forest);

    /// Scored anew each time: the policy with its adapter off, a frozen copy of the start, or
    /// another model.
    record Live(Scorer scorer, PreferenceObjective objective) implements Reference {
        private static final HeadRequest REQUEST = HeadRequest.of();

        @Override
        public List<ReferenceLogProbs> logProbs(
                List<Placed<PreferenceExample>> group, PreferenceForest forest) {
            Measurement measured = scorer.measure(forest.forest(), REQUEST);
            List<ReferenceLogProbs> result = new ArrayList<>();
            for (int i = 0; i < group.size(); i++) {
                result.add(
                        objective.reference(
                                forest.chosen().get(i).of(measured.tokenLogProbs()),
                                forest.rejected().get(i).of(measured.tokenLogProbs())));
            }
            return result;
        }
    }

    /// Computed once.
    ///
    /// @param rows by the pair's number in the data
    record Precomputed(List<ReferenceLogProbs> rows) implements Reference {
        public Precomputed {
            rows = List.copyOf(rows);
        }

        @Override
        public List<ReferenceLogProbs> logProbs(
                List<Placed<PreferenceExample>> group, PreferenceForest forest) {
            return group.stream().map(pair -> rows.get(pair.index())).toList();
        }
    }
}
