package org.attune.trainers.layout;

import org.attune.policy.SequenceTree;
import org.attune.policy.TokenForest;
import org.attune.trainers.examples.StepwiseExample;
import org.attune.trainers.examples.StepwiseExample.JudgedStep;

import java.util.List;

/// A micro-batch of judged solutions, with two scores at every judged step, that of "wrong" (label
/// 0) before that of "right" (label 1). What several solutions begin with is computed once.
///
/// @param forest the layout. Targets `2 i` and `2 i + 1` are the scores of the i-th step of all
///     examples
public record StepwiseForest(TokenForest forest) implements RowForest {
    public static final int WRONG = 0;
    public static final int RIGHT = 1;

    /// Lays `examples` out.
    ///
    /// @param shares as in [SequenceTree#add]
    public static StepwiseForest of(List<StepwiseExample> examples, boolean shares) {
        TokenForest.Builder builder = TokenForest.builder();
        List<SequenceTree.Path> paths =
                SequenceTree.add(
                        builder, examples.stream().map(StepwiseExample::ids).toList(), shares);
        for (int i = 0; i < examples.size(); i++) {
            for (JudgedStep step : examples.get(i).steps()) {
                paths.get(i).score(step.end(), WRONG);
                paths.get(i).score(step.end(), RIGHT);
            }
        }
        return new StepwiseForest(builder.build());
    }
}
