package org.attune.datasets.examples;

import org.attune.datasets.rows.RowOrigin;

/// A completion that is good or not, after truncation.
///
/// @param tokens    prompt and completion
/// @param desirable the row's label: whether the completion is a good one
/// @param origin    the row it comes from
public record UnpairedExample(CompletionTokens tokens, boolean desirable, RowOrigin origin) {
    /// Number of tokens of prompt and completion.
    public int length() {
        return tokens.length();
    }
}
