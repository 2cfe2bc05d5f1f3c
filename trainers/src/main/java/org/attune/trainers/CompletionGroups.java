package org.attune.trainers;

import org.attune.datasets.CompletionForest;
import org.attune.trainers.batch.TokenBudget;

import java.util.List;
import java.util.function.Function;

/// Cuts completions into the groups that are computed at once. A prompt that neighbours share
/// costs its tokens once.
///
/// @param budget most tokens of a group
/// @param sharePrompts whether completions of one prompt share its computation
record CompletionGroups(TokenBudget budget, boolean sharePrompts) {
    /// Groups `rows` in their order; every row is in exactly one group.
    <T> List<List<T>> of(List<T> rows, Function<T, CompletionForest.Row> tokens) {
        int[] alone = new int[rows.size()];
        int[] behind = new int[rows.size()];
        CompletionForest.Row before = null;
        for (int i = 0; i < alone.length; i++) {
            CompletionForest.Row row = tokens.apply(rows.get(i));
            alone[i] = row.prompt().length + row.completion().length;
            boolean shares = sharePrompts && before != null && row.sharesPromptWith(before);
            behind[i] = shares ? row.completion().length : alone[i];
            before = row;
        }
        return budget.groups(rows, alone, behind);
    }
}
