package org.attune.datasets.layout;

import org.attune.policy.SequenceTree;
import org.attune.policy.TokenForest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A micro-batch of completions. With shared prompts, what sequences of prompt and completion begin
/// with in common is computed once: the prompt of a group, a system prompt, completions that begin
/// alike.
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
    /// @param prompt its prompt's ids, at least one
    /// @param completion its ids, at least one
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Row(int[] prompt, int[] completion) {
        /// The sequences that are computed for it.
        public List<int[]> sequences() {
            return List.of(sequence());
        }

        private int[] sequence() {
            int[] ids = Arrays.copyOf(prompt, prompt.length + completion.length);
            System.arraycopy(completion, 0, ids, prompt.length, completion.length);
            return ids;
        }
    }

    /// Lays rows out.
    ///
    /// @param sharePrompts as in [SequenceTree#add]
    public static CompletionForest of(List<Row> rows, boolean sharePrompts) {
        return laidOut(rows, sharePrompts, (path, row, i) -> addTokens(path, row));
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
                (path, row, i) -> {
                    for (int t = 0; t < counts[i]; t++) {
                        path.score(row.prompt().length + t - 1, VALUE);
                    }
                });
    }

    /// The layout of [#of] with what a batch of padded rows computes behind each completion, for
    /// statistics. Its targets are followed by one at its last token and one at a padding token,
    /// both of token `id`.
    ///
    /// @param id that padding is computed with
    /// @return ranges without these targets: those of completion `i` start where its range ends
    public static CompletionForest padded(List<Row> rows, int id, boolean sharePrompts) {
        CompletionForest whole =
                laidOut(
                        rows,
                        sharePrompts,
                        (path, row, i) -> {
                            addTokens(path, row);
                            path.score(path.length() - 1, id);
                            path.scoreOnlooker(id, 0, id);
                        });
        return new CompletionForest(
                whole.forest(),
                whole.completions().stream()
                        .map(r -> new TargetRange(r.start(), r.end() - 2))
                        .toList());
    }

    /// Adds the targets of a row.
    @FunctionalInterface
    private interface Targets {
        void add(SequenceTree.Path path, Row row, int number);
    }

    private static void addTokens(SequenceTree.Path path, Row row) {
        for (int t = row.prompt().length; t < path.length(); t++) {
            path.target(t);
        }
    }

    private static CompletionForest laidOut(List<Row> rows, boolean sharePrompts, Targets targets) {
        TokenForest.Builder builder = TokenForest.builder();
        List<SequenceTree.Path> paths =
                SequenceTree.add(builder, rows.stream().map(Row::sequence).toList(), sharePrompts);
        List<TargetRange> ranges = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            int start = builder.targetCount();
            targets.add(paths.get(i), rows.get(i), i);
            ranges.add(new TargetRange(start, builder.targetCount()));
        }
        return new CompletionForest(builder.build(), ranges);
    }
}
