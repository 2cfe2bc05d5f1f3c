package org.attune.datasets.examples;

import org.attune.datasets.rows.RowOrigin;

import java.util.List;

/// A prompt with its completion, after truncation.
///
/// @param tokens prompt and completion; the prompt has at least one token
/// @param origin the row it comes from
public record CompletionExample(CompletionTokens tokens, RowOrigin origin) implements TrainingRow {
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
}
