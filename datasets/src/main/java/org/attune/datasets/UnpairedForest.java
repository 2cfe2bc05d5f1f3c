package org.attune.datasets;

import org.attune.policy.TokenForest;

import java.util.ArrayList;
import java.util.List;

/// A micro-batch of labelled completions, each with its prompt a root of its own.
///
/// @param forest      the layout. Targets are numbered row by row, token by token
/// @param completions the targets of each row's completion
public record UnpairedForest(TokenForest forest, List<TargetRange> completions) {
    public UnpairedForest {
        completions = List.copyOf(completions);
    }

    /// Lays `rows` out; their completions' tokens are the targets.
    public static UnpairedForest of(List<UnpairedExample> rows) {
        TokenForest.Builder builder = TokenForest.builder();
        List<TargetRange> ranges = new ArrayList<>();
        for (UnpairedExample row : rows) {
            int start = builder.targetCount();
            int root = builder.root(row.tokens().ids());
            for (int i = Math.max(1, row.tokens().completionStart()); i < row.length(); i++) {
                builder.target(root, i);
            }
            ranges.add(new TargetRange(start, builder.targetCount()));
        }
        return new UnpairedForest(builder.build(), ranges);
    }

    /// Lays `rows` out as a batch that is padded at the right computes them, for statistics of its
    /// logits: every position is a source of a target, those of the prompt, of the last token and
    /// of the padding too. Nothing can be learnt from these targets.
    ///
    /// @param width tokens that every row is padded to, ≥ those of the longest
    /// @param padId the token that pads
    public static UnpairedForest padded(List<UnpairedExample> rows, int width, int padId) {
        TokenForest.Builder builder = TokenForest.builder();
        List<TargetRange> ranges = new ArrayList<>();
        for (UnpairedExample row : rows) {
            int start = builder.targetCount();
            int root = builder.root(row.tokens().ids());
            for (int i = 0; i < row.length(); i++) {
                builder.score(root, i, padId);
            }
            for (int i = row.length(); i < width; i++) {
                builder.score(builder.onlooker(root, padId, i - row.length()), padId);
            }
            ranges.add(new TargetRange(start, builder.targetCount()));
        }
        return new UnpairedForest(builder.build(), ranges);
    }
}
