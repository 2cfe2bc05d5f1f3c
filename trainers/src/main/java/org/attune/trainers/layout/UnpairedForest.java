package org.attune.trainers.layout;

import org.attune.policy.SequenceTree;
import org.attune.policy.TokenForest;
import org.attune.trainers.examples.UnpairedExample;

import java.util.ArrayList;
import java.util.List;

/// A micro-batch of labelled completions, each with its prompt. What several of these begin with is
/// computed once.
///
/// @param forest      the layout. Targets are numbered row by row, token by token
/// @param completions the targets of each row's completion
public record UnpairedForest(TokenForest forest, List<TargetRange> completions)
        implements RowForest {
    public UnpairedForest {
        completions = List.copyOf(completions);
    }

    /// Lays `rows` out; their completions' tokens are the targets.
    ///
    /// @param shares as in [SequenceTree#add]
    public static UnpairedForest of(List<UnpairedExample> rows, boolean shares) {
        TokenForest.Builder builder = TokenForest.builder();
        List<SequenceTree.Path> paths =
                SequenceTree.add(
                        builder, rows.stream().map(row -> row.tokens().ids()).toList(), shares);
        List<TargetRange> ranges = new ArrayList<>();
        for (int r = 0; r < rows.size(); r++) {
            int start = builder.targetCount();
            UnpairedExample row = rows.get(r);
            for (int i = row.tokens().completionStart(); i < row.length(); i++) {
                if (row.tokens().isTrained(i)) {
                    paths.get(r).target(i);
                }
            }
            ranges.add(new TargetRange(start, builder.targetCount()));
        }
        return new UnpairedForest(builder.build(), ranges);
    }
}
