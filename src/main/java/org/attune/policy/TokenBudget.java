package org.attune.policy;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
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

    /// Tokens that a row adds to a group.
    private interface Cost {
        /// @param first row of the group
        int of(int first, int row);
    }

    /// Groups `rows` in their order; every row is in exactly one group. There are as few groups as
    /// the budget allows, the largest as small as it then can be: equal groups take the least
    /// memory.
    ///
    /// @param cost tokens that a row takes
    public <T> List<List<T>> groups(List<T> rows, ToIntFunction<T> cost) {
        int[] costs = rows.stream().mapToInt(cost).toArray();
        return groups(rows, (_, row) -> costs[row]);
    }

    /// Cuts rows that may share what their sequences begin with into groups. A row costs the tokens
    /// that it adds to its group.
    ///
    /// @param sequences token ids of each row's sequences, of at least one
    /// @param shares whether a group is computed like that ([SequenceTree])
    public <T> List<List<T>> groups(
            List<T> rows, Function<T, List<int[]>> sequences, boolean shares) {
        if (!shares) {
            return groups(rows, row -> sequences.apply(row).stream().mapToInt(s -> s.length).sum());
        }
        List<List<int[]>> ids = rows.stream().map(sequences).toList();
        return groups(rows, (first, row) -> added(ids, first, row));
    }

    /// What a row adds at most. It is compared with its neighbour and with the group's first. The
    /// neighbour has its prompt if any has; the first has the system prompt that all have.
    private static int added(List<List<int[]>> ids, int first, int row) {
        List<int[]> others = new ArrayList<>();
        if (row > first) {
            others.add(ids.get(first).getFirst());
            others.add(ids.get(row - 1).getLast());
        }
        int tokens = 0;
        for (int[] sequence : ids.get(row)) {
            tokens += SequenceTree.added(others, sequence);
            others.add(sequence);
        }
        return tokens;
    }

    private <T> List<List<T>> groups(List<T> rows, Cost cost) {
        List<Integer> ends = ends(rows.size(), cost, tokens);
        int below = 0; // too small a budget for so few groups
        int enough = tokens;
        while (enough - below > 1) {
            int middle = below + (enough - below) / 2;
            List<Integer> tried = ends(rows.size(), cost, middle);
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
    private static List<Integer> ends(int rows, Cost cost, int most) {
        List<Integer> ends = new ArrayList<>();
        int first = 0;
        long used = 0;
        for (int i = 0; i < rows; i++) {
            long more = cost.of(first, i);
            if (i > first && used + more > most) {
                ends.add(i);
                first = i;
                used = cost.of(first, i);
            } else {
                used += more;
            }
        }
        if (rows > 0) {
            ends.add(rows);
        }
        return ends;
    }
}
