package org.attune.trainers.rows;

import org.attune.trainers.batch.TokenBudget;
import org.attune.trainers.loop.RunContext;

import java.util.List;
import java.util.function.Function;

/// Cuts a step's rows into the groups that are computed at once. What the sequences of a group
/// begin with in common costs its tokens once.
///
/// @param budget most tokens of a group
/// @param shares whether a common beginning is computed once
public record RowGroups(TokenBudget budget, boolean shares) {
    /// For rows of a run.
    public static RowGroups of(TokenBudget budget, RunContext context) {
        return new RowGroups(budget, context.sharePrompts());
    }

    /// Groups `rows` in their order; every row is in exactly one group.
    ///
    /// @param sequences token ids of each row's sequences
    public <T> List<List<T>> of(List<T> rows, Function<T, List<int[]>> sequences) {
        return budget.groups(rows, sequences, shares);
    }
}
