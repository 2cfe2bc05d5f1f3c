package org.attune.trainers.examples;

import java.util.List;

/// A prepared row, as far as a trainer must know it: how long it is, what is computed for it, and
/// where it comes from.
public interface TrainingRow {
    /// Number of tokens, as TRL counts them: a prompt once for each of its completions.
    int length();

    /// Token ids of each sequence that is computed; at least one. Do not modify.
    List<int[]> sequences();

    /// Where the row comes from, for messages.
    List<String> origins();

    /// The row's answers, all to the same prompt; empty where it has no prompt.
    default List<GivenAnswer> answers() {
        return List.of();
    }
}
