package org.attune.trainers.unpaired;

import org.attune.datasets.layout.UnpairedForest;
import org.attune.policy.TokenForest;
import org.attune.trainers.rows.Reference;

import java.util.Arrays;
import java.util.List;

/// How a reference reads labelled completions: one log-probability each.
record UnpairedReference() implements Reference.Layout<UnpairedForest, Double> {
    static final List<String> COLUMNS = List.of("reference_logps");

    @Override
    public TokenForest tokens(UnpairedForest forest) {
        return forest.forest();
    }

    @Override
    public List<Double> read(UnpairedForest forest, float[] tokenLogProbs) {
        return forest.completions().stream()
                .map(targets -> Arrays.stream(targets.of(tokenLogProbs)).sum())
                .toList();
    }
}
