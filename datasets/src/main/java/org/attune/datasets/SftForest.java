package org.attune.datasets;

import org.attune.policy.TokenForest;

import java.util.ArrayList;
import java.util.List;

/// A micro-batch of [PackedRow]s: every document is a root of its own, so documents don't see
/// each other and nothing is padded.
///
/// @param forest the layout. Targets are numbered row by row, document by document, token by
///     token; only masked-in tokens are targets and never a document's first.
/// @param rows   the targets of each row, in order
public record SftForest(TokenForest forest, List<TargetRange> rows) {
    public SftForest {
        rows = List.copyOf(rows);
    }

    /// Lays `rows` out.
    public static SftForest of(List<PackedRow> rows) {
        TokenForest.Builder builder = TokenForest.builder();
        var ranges = new ArrayList<TargetRange>(rows.size());
        for (PackedRow row : rows) {
            int start = builder.targetCount();
            for (SftExample document : row.documents()) {
                add(builder, document);
            }
            ranges.add(new TargetRange(start, builder.targetCount()));
        }
        return new SftForest(builder.build(), ranges);
    }

    private static void add(TokenForest.Builder builder, SftExample document) {
        int root = builder.root(document.ids());
        for (int i = 1; i < document.length(); i++) {
            if (document.completionMask()[i]) {
                builder.target(root, i);
            }
        }
    }
}
