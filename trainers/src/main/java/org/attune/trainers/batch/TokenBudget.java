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

    /// Groups `rows` in their order; every row is in exactly one group. There are as few groups as
    /// the budget allows, the largest as small as it then can be: equal groups take the least
    /// memory.
    ///
    /// @param cost tokens that a row takes
    public <T> List<List<T>> groups(List<T> rows, ToIntFunction<T> cost) {
        int[] costs = rows.stream().mapToInt(cost).toArray();
        return groups(rows, costs, costs);
    }

    /// As [#groups(List, ToIntFunction)], of rows that cost less behind the one before them.
    ///
    /// @param first tokens of each row where it begins a group
    /// @param next tokens of each row elsewhere
    public <T> List<List<T>> groups(List<T> rows, int[] first, int[] next) {
        List<Integer> ends = ends(first, next, tokens);
        int below = 0; // too small a budget for so few groups
        int enough = tokens;
        while (enough - below > 1) {
            int middle = below + (enough - below) / 2;
            List<Integer> tried = ends(first, next, middle);
            if (tried.size() <= ends.size()) {
                enough = middle;
                ends = tried;
            } else {
                below = middle;
            }
        }
        List<List<T>> groups = new ArrayList<>();
        int from = 0;
        for (int end : ends) {
            groups.add(List.copyOf(rows.subList(from, end)));
            from = end;
        }
        return groups;
    }

    /// Where groups end that are filled one after the other.
    private static List<Integer> ends(int[] first, int[] next, int most) {
        List<Integer> ends = new ArrayList<>();
        long used = 0;
        for (int i = 0; i < first.length; i++) {
            boolean begins = i == 0 || used + next[i] > most;
            if (begins && i > 0) {
                ends.add(i);
            }
            used = begins ? first[i] : used + next[i];
        }
        if (first.length > 0) {
            ends.add(first.length);
        }
        return ends;
    }
}
