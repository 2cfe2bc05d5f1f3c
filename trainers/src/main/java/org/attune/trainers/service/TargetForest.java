package org.attune.trainers.service;

import org.attune.policy.SequenceTree;
import org.attune.policy.TokenForest;
import org.attune.trainers.layout.RowForest;
import org.attune.trainers.layout.TargetRange;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/// Rows whose targets are named apart from their tokens: at each token of a row the model is asked
/// for the row's targets there.
///
/// @param forest the layout; targets are numbered row by row, token by token
/// @param rows the targets of each row, `(N K)`
record TargetForest(TokenForest forest, List<TargetRange> rows) implements RowForest {
    TargetForest {
        rows = List.copyOf(rows);
    }

    /// @param shares as in [SequenceTree#add]
    static TargetForest of(List<AdapterTraining.Row> rows, boolean shares) {
        TokenForest.Builder builder = TokenForest.builder();
        Iterator<SequenceTree.Path> paths =
                SequenceTree.add(
                                builder,
                                rows.stream().map(AdapterTraining.Row::ids).toList(),
                                shares)
                        .iterator();
        List<TargetRange> ranges = new ArrayList<>();
        for (AdapterTraining.Row row : rows) {
            int start = builder.targetCount();
            SequenceTree.Path path = paths.next();
            for (int t = 0; t < row.targets().length; t++) {
                path.score(t / row.width(), row.targets()[t]);
            }
            ranges.add(new TargetRange(start, builder.targetCount()));
        }
        return new TargetForest(builder.build(), ranges);
    }
}
