package org.attune.trainers.examples;

import org.attune.datasets.rows.RowOrigin;

import java.util.List;
import java.util.Optional;

/// A completion that is good or not, and a completion of another prompt to compare it with, both
/// after truncation.
///
/// @param row        prompt and its own completion, with the label
/// @param mismatched the same prompt with a neighbour's completion, from which KTO estimates a
///     divergence; empty where the loss needs none
public record KtoExample(UnpairedExample row, Optional<CompletionTokens> mismatched)
        implements TrainingRow {
    /// Number of tokens of prompt and own completion.
    @Override
    public int length() {
        return row.length();
    }

    /// The row's own sequence; what is mismatched is computed apart.
    @Override
    public List<int[]> sequences() {
        return row.sequences();
    }

    @Override
    public List<String> origins() {
        return row.origins();
    }

    @Override
    public List<GivenAnswer> answers() {
        return row.answers();
    }

    public RowOrigin origin() {
        return row.origin();
    }

    /// The mismatched sequence as a row.
    ///
    /// @throws java.util.NoSuchElementException if there is none
    public KtoExample beside() {
        return new KtoExample(
                new UnpairedExample(mismatched.orElseThrow(), row.desirable(), row.origin()),
                Optional.empty());
    }
}
