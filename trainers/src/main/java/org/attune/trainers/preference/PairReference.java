package org.attune.trainers.preference;

import org.attune.trainers.layout.PreferenceForest;
import org.attune.trainers.rows.ReferenceColumns;

import java.util.ArrayList;
import java.util.List;

/// A reference's log-probabilities of both completions of a pair.
///
/// @param formula sums the tokens
record PairReference(PreferenceObjective formula) implements ReferenceColumns<PreferenceForest> {
    @Override
    public List<String> names() {
        return List.of("ref_chosen_logps", "ref_rejected_logps");
    }

    @Override
    public List<double[]> read(PreferenceForest forest, float[] tokenLogProbs) {
        List<double[]> result = new ArrayList<>();
        for (int i = 0; i < forest.chosen().size(); i++) {
            ReferenceLogProbs pair =
                    formula.reference(
                            forest.chosen().get(i).of(tokenLogProbs),
                            forest.rejected().get(i).of(tokenLogProbs));
            result.add(new double[] {pair.chosen(), pair.rejected()});
        }
        return result;
    }

    @Override
    public String variant() {
        return "/" + formula.lengthAlpha();
    }
}
