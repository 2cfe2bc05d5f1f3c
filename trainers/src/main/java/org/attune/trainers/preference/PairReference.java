package org.attune.trainers.preference;

import org.attune.datasets.layout.PreferenceForest;
import org.attune.policy.TokenForest;
import org.attune.trainers.rows.Reference;

import java.util.ArrayList;
import java.util.List;

/// How a reference reads pairs.
///
/// @param objective sums the tokens
record PairReference(PreferenceObjective objective)
        implements Reference.Layout<PreferenceForest, ReferenceLogProbs> {
    static final List<String> COLUMNS = List.of("ref_chosen_logps", "ref_rejected_logps");

    @Override
    public TokenForest tokens(PreferenceForest forest) {
        return forest.forest();
    }

    @Override
    public List<ReferenceLogProbs> read(PreferenceForest forest, float[] tokenLogProbs) {
        List<ReferenceLogProbs> result = new ArrayList<>();
        for (int i = 0; i < forest.chosen().size(); i++) {
            result.add(
                    objective.reference(
                            forest.chosen().get(i).of(tokenLogProbs),
                            forest.rejected().get(i).of(tokenLogProbs)));
        }
        return result;
    }

    /// A row of the columns.
    static double[] cells(ReferenceLogProbs row) {
        return new double[] {row.chosen(), row.rejected()};
    }

    static List<ReferenceLogProbs> rows(List<double[]> columns) {
        List<ReferenceLogProbs> rows = new ArrayList<>();
        for (int i = 0; i < columns.getFirst().length; i++) {
            rows.add(new ReferenceLogProbs(columns.get(0)[i], columns.get(1)[i]));
        }
        return rows;
    }
}
