package org.attune.trainers.unpaired;

import org.attune.trainers.layout.UnpairedForest;
import org.attune.trainers.rows.ReferenceColumns;

import java.util.Arrays;
import java.util.List;

/// What the reference is asked about a completion: its log-probability.
record CompletionReference() implements ReferenceColumns<UnpairedForest> {
    @Override
    public List<String> names() {
        return List.of("reference_logps");
    }

    @Override
    public List<double[]> read(UnpairedForest forest, float[] tokenLogProbs) {
        return forest.completions().stream()
                .map(targets -> Arrays.stream(targets.of(tokenLogProbs)).sum())
                .map(logProb -> new double[] {logProb})
                .toList();
    }
}
