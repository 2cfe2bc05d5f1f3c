package org.attune.trainers.heads;

import org.attune.policy.SequenceTree;
import org.attune.policy.TokenForest;
import org.attune.trainers.examples.LabelledExample;
import org.attune.trainers.layout.RowForest;

import java.util.List;

/// A group of rows whose sequences are judged at their last tokens, at the places that a row names,
/// or at all tokens. What sequences begin with in common is computed once.
///
/// @param forest the layout. Its targets are row after row, sequence after sequence, place after
///     place, label after label
record LabelledForest(TokenForest forest) implements RowForest {
    /// @param labels scores of a place
    /// @param all whether all tokens of a sequence are places
    static LabelledForest of(List<LabelledExample> rows, boolean shares, int labels, boolean all) {
        TokenForest.Builder builder = TokenForest.builder();
        List<int[]> sequences = rows.stream().flatMap(r -> r.sequences().stream()).toList();
        List<SequenceTree.Path> paths = SequenceTree.add(builder, sequences, shares);
        int next = 0;
        for (LabelledExample row : rows) {
            for (int s = 0; s < row.sequences().size(); s++) {
                score(paths.get(next++), row.places(), labels, all);
            }
        }
        return new LabelledForest(builder.build());
    }

    private static void score(SequenceTree.Path path, int[] given, int labels, boolean all) {
        int first = all ? 0 : path.length() - 1;
        int count = given.length > 0 ? given.length : path.length() - first;
        for (int i = 0; i < count; i++) {
            for (int label = 0; label < labels; label++) {
                path.score(given.length > 0 ? given[i] : first + i, label);
            }
        }
    }
}
