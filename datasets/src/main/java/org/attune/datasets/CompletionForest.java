package org.attune.datasets;

import org.attune.policy.TokenForest;

import java.util.ArrayList;
import java.util.List;

/// A micro-batch of completions. With shared prompts, consecutive completions of one prompt are
/// children of it; the prompt is computed once. Without, each is a root that holds prompt and
/// completion.
///
/// @param forest the layout; targets are the completions' tokens, completion by completion
/// @param completions the targets of each completion
public record CompletionForest(TokenForest forest, List<TargetRange> completions) {
    private static final int VALUE = 0; // the one label

    public CompletionForest {
        completions = List.copyOf(completions);
    }

    /// One completion.
    ///
    /// @param prompt its prompt's ids, at least one; the same array for completions that share it
    /// @param completion its ids, at least one
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Row(int[] prompt, int[] completion) {
        /// Whether it may hang from the same prompt as `other`.
        public boolean sharesPromptWith(Row other) {
            return prompt == other.prompt;
        }
    }

    /// Lays rows out.
    ///
    /// @param sharePrompts false where equality can't hold: RoPE that depends on the total
    ///     length,
    ///     dropout in the prompt
    public static CompletionForest of(List<Row> rows, boolean sharePrompts) {
        return laidOut(
                rows,
                sharePrompts,
                (builder, i, segment, first) -> {
                    for (int t = 0; t < rows.get(i).completion().length; t++) {
                        builder.target(segment, first + t);
                    }
                });
    }

    /// The same layout for a critic, which is asked what it expects before each token.
    ///
    /// @param counts estimates of each row: one for each of its tokens, or one more, after its last
    ///     token
    /// @return targets are the estimates, row by row
    public static CompletionForest values(List<Row> rows, int[] counts, boolean sharePrompts) {
        return laidOut(
                rows,
                sharePrompts,
                (builder, i, segment, first) -> {
                    for (int t = 0; t < counts[i]; t++) {
                        builder.scoreBefore(segment, first + t, VALUE);
                    }
                });
    }

    /// The layout of [#of] with what a batch of padded rows computes behind each completion, for
    /// statistics: its targets are followed by one at its last token and one at a padding token,
    /// both of token `id`.
    ///
    /// @param id that padding is computed with
    /// @return ranges without these targets: those of completion `i` start where its range ends
    public static CompletionForest padded(List<Row> rows, int id, boolean sharePrompts) {
        CompletionForest whole =
                laidOut(
                        rows,
                        sharePrompts,
                        (builder, i, segment, first) -> {
                            int length = rows.get(i).completion().length;
                            for (int t = 0; t < length; t++) {
                                builder.target(segment, first + t);
                            }
                            builder.score(segment, id);
                            builder.score(builder.onlooker(segment, id), id);
                        });
        return new CompletionForest(
                whole.forest(),
                whole.completions().stream()
                        .map(r -> new TargetRange(r.start(), r.end() - 2))
                        .toList());
    }

    /// Adds the targets of a row whose tokens start at `first` of a segment.
    @FunctionalInterface
    private interface Targets {
        void add(TokenForest.Builder builder, int row, int segment, int first);
    }

    private static CompletionForest laidOut(List<Row> rows, boolean sharePrompts, Targets targets) {
        TokenForest.Builder builder = TokenForest.builder();
        List<TargetRange> ranges = new ArrayList<>();
        Row before = null;
        int root = TokenForest.ROOT;
        for (int i = 0; i < rows.size(); i++) {
            Row row = rows.get(i);
            int start = builder.targetCount();
            if (sharePrompts) {
                if (before == null || !row.sharesPromptWith(before)) {
                    root = builder.root(row.prompt());
                }
                targets.add(builder, i, builder.child(root, row.completion()), 0);
            } else {
                targets.add(builder, i, builder.root(joined(row)), row.prompt().length);
            }
            ranges.add(new TargetRange(start, builder.targetCount()));
            before = row;
        }
        return new CompletionForest(builder.build(), ranges);
    }

    private static int[] joined(Row row) {
        int[] ids = new int[row.prompt().length + row.completion().length];
        System.arraycopy(row.prompt(), 0, ids, 0, row.prompt().length);
        System.arraycopy(row.completion(), 0, ids, row.prompt().length, row.completion().length);
        return ids;
    }
}
