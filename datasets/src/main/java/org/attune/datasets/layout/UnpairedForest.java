package org.attune.datasets.layout;

import org.attune.datasets.examples.UnpairedExample;
import org.attune.policy.SequenceTree;
import org.attune.policy.TokenForest;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

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
        return laidOut(
                rows,
                shares,
                (row, path) -> {
                    for (int i = Math.max(1, row.tokens().completionStart());
                            i < row.length();
                            i++) {
                        path.target(i);
                    }
                });
    }

    /// Lays `rows` out as a batch that is padded at the right computes them, for statistics of its
    /// logits: every position is a source of a target, those of the prompt, of the last token and
    /// of the padding too. Nothing can be learnt from these targets.
    ///
    /// @param width tokens that every row is padded to, ≥ those of the longest
    /// @param padId the token that pads
    public static UnpairedForest padded(List<UnpairedExample> rows, int width, int padId) {
        return laidOut(
                rows,
                false,
                (row, path) -> {
                    for (int i = 0; i < row.length(); i++) {
                        path.score(i, padId);
                    }
                    for (int i = row.length(); i < width; i++) {
                        path.scoreOnlooker(padId, i - row.length(), padId);
                    }
                });
    }

    private static UnpairedForest laidOut(
            List<UnpairedExample> rows,
            boolean shares,
            BiConsumer<UnpairedExample, SequenceTree.Path> targets) {
        TokenForest.Builder builder = TokenForest.builder();
        List<SequenceTree.Path> paths =
                SequenceTree.add(
                        builder, rows.stream().map(row -> row.tokens().ids()).toList(), shares);
        List<TargetRange> ranges = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            int start = builder.targetCount();
            targets.accept(rows.get(i), paths.get(i));
            ranges.add(new TargetRange(start, builder.targetCount()));
        }
        return new UnpairedForest(builder.build(), ranges);
    }
}
