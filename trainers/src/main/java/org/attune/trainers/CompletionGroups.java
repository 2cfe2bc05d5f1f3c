package org.attune.trainers;

import org.attune.datasets.CompletionForest;
import org.attune.trainers.batch.TokenBudget;

import java.util.ArrayList;
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
        List<List<T>> groups = new ArrayList<>();
        List<T> group = new ArrayList<>();
        CompletionForest.Row before = null;
        long used = 0;
        for (T item : rows) {
            CompletionForest.Row row = tokens.apply(item);
            int alone = row.prompt().length + row.completion().length;
            boolean shares = sharePrompts && before != null && row.sharesPromptWith(before);
            int cost = shares ? row.completion().length : alone;
            if (!group.isEmpty() && used + cost > budget.tokens()) {
                groups.add(group);
                group = new ArrayList<>();
                used = 0;
                cost = alone;
            }
            group.add(item);
            used += cost;
            before = row;
        }
        if (!group.isEmpty()) {
            groups.add(group);
        }
        return groups;
    }
}
