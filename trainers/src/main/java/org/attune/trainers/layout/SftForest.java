package org.attune.trainers.layout;

import org.attune.policy.SequenceTree;
import org.attune.policy.TokenForest;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.SftExample;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/// A micro-batch of [PackedRow]s: documents don't see each other, and nothing is padded. What
/// several documents begin with, such as a system prompt, is computed once.
///
/// @param forest the layout. Targets are numbered row by row, document by document, token by
///     token; only masked-in tokens are targets and never a document's first.
/// @param rows   the targets of each row, in order
public record SftForest(TokenForest forest, List<TargetRange> rows) implements RowForest {
    public SftForest {
        rows = List.copyOf(rows);
    }

    /// Lays `rows` out.
    ///
    /// @param shares as in [SequenceTree#add]
    public static SftForest of(List<PackedRow> rows, boolean shares) {
        TokenForest.Builder builder = TokenForest.builder();
        List<int[]> sequences = rows.stream().flatMap(row -> row.sequences().stream()).toList();
        Iterator<SequenceTree.Path> paths = SequenceTree.add(builder, sequences, shares).iterator();
        var ranges = new ArrayList<TargetRange>(rows.size());
        for (PackedRow row : rows) {
            int start = builder.targetCount();
            for (SftExample document : row.documents()) {
                addTargets(paths.next(), document);
            }
            ranges.add(new TargetRange(start, builder.targetCount()));
        }
        return new SftForest(builder.build(), ranges);
    }

    private static void addTargets(SequenceTree.Path path, SftExample document) {
        for (int i = 1; i < document.length(); i++) {
            if (document.completionMask()[i]) {
                path.target(i);
            }
        }
    }
}
