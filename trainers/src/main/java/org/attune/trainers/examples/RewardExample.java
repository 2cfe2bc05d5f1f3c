package org.attune.trainers.examples;

import org.attune.datasets.rows.RowOrigin;

import java.util.List;

/// A preference pair for a reward model, whole: nothing is ever cut from it.
///
/// @param pair   both sequences
/// @param margin by how much the chosen score should exceed the rejected one before the pair's loss
///     is that of a tie; 0 without the column `margin`
public record RewardExample(PreferenceExample pair, double margin) implements TrainingRow {
    /// Number of tokens of both sequences, as TRL counts them (the prompt twice).
    @Override
    public int length() {
        return pair.length();
    }

    /// The row it comes from.
    public RowOrigin origin() {
        return pair.origin();
    }

    @Override
    public List<int[]> sequences() {
        return pair.sequences();
    }

    @Override
    public List<String> origins() {
        return pair.origins();
    }
}
