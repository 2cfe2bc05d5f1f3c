package org.attune.datasets;

import org.attune.datasets.StepwiseExample.JudgedStep;
import org.attune.policy.TokenForest;

import java.util.List;

/// A micro-batch of judged solutions: one root each, and two scores at every judged step, that of
/// "wrong" (label 0) before that of "right" (label 1).
///
/// @param forest the layout. Targets `2 i` and `2 i + 1` are the scores of the i-th step of all
///     examples
public record StepwiseForest(TokenForest forest) {
    public static final int WRONG = 0;
    public static final int RIGHT = 1;

    /// Lays `examples` out.
    public static StepwiseForest of(List<StepwiseExample> examples) {
        TokenForest.Builder builder = TokenForest.builder();
        for (StepwiseExample example : examples) {
            int root = builder.root(example.ids());
            for (JudgedStep step : example.steps()) {
                builder.score(root, step.end(), WRONG);
                builder.score(root, step.end(), RIGHT);
            }
        }
        return new StepwiseForest(builder.build());
    }
}
