package org.attune.trainers.batch;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/// Cuts a step's rows into the groups that are computed at once.
///
/// @param tokens most tokens of a group; a row with more stands alone. ≥ 1
public record TokenBudget(int tokens) {
    /// Tokens of a group where `tokens_per_micro_batch` is unset.
    public static final int DEFAULT_TOKENS = 2048;

    public TokenBudget {
        if (tokens < 1) {
            throw new IllegalArgumentException("a token budget must be >= 1, got " + tokens);
        }
    }

    /// Groups `rows` in their order; every row is in exactly one group.
    ///
    /// @param cost tokens that a row takes
    public <T> List<List<T>> groups(List<T> rows, ToIntFunction<T> cost) {
        List<List<T>> groups = new ArrayList<>();
        List<T> group = new ArrayList<>();
        int used = 0;
        for (T row : rows) {
            int tokensOfRow = cost.applyAsInt(row);
            if (!group.isEmpty() && used + (long) tokensOfRow > tokens) {
                groups.add(group);
                group = new ArrayList<>();
                used = 0;
            }
            group.add(row);
            used += tokensOfRow;
        }
        if (!group.isEmpty()) {
            groups.add(group);
        }
        return groups;
    }
}
