package org.attune.trainers.examples;

import org.attune.datasets.rows.RowOrigin;

import java.util.List;

/// A completion that is good or not, after truncation.
///
/// @param tokens    prompt and completion
/// @param desirable the row's label: whether the completion is a good one
/// @param origin    the row it comes from
public record UnpairedExample(CompletionTokens tokens, boolean desirable, RowOrigin origin)
        implements TrainingRow {
    /// Number of tokens of prompt and completion.
    @Override
    public int length() {
        return tokens.length();
    }

    @Override
    public List<int[]> sequences() {
        return List.of(tokens.ids());
    }

    @Override
    public List<String> origins() {
        return List.of(origin.where());
    }

    @Override
    public List<GivenAnswer> answers() {
        return List.of(new GivenAnswer(desirable ? "desirable" : "undesirable", tokens));
    }
}
