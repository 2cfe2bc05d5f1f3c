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
        TokenForest.Builder builder = TokenForest.builder();
        List<TargetRange> ranges = new ArrayList<>();
        Row before = null;
        int root = TokenForest.ROOT;
        for (Row row : rows) {
            int start = builder.targetCount();
            if (sharePrompts) {
                if (before == null || !row.sharesPromptWith(before)) {
                    root = builder.root(row.prompt());
                }
                int child = builder.child(root, row.completion());
                for (int t = 0; t < row.completion().length; t++) {
                    builder.target(child, t);
                }
            } else {
                int whole = builder.root(joined(row));
                for (int t = 0; t < row.completion().length; t++) {
                    builder.target(whole, row.prompt().length + t);
                }
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
