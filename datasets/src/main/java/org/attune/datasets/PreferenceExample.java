package org.attune.datasets;

import org.attune.datasets.rows.RowOrigin;

/// One preference pair, after truncation. Both sides begin with the same prompt, unless
/// `keep_end` cut them differently.
///
/// @param chosen   the better sequence
/// @param rejected the other one
/// @param origin   the row it comes from
public record PreferenceExample(
        CompletionTokens chosen, CompletionTokens rejected, RowOrigin origin) {

    /// Number of tokens of both sequences, as TRL counts them (the prompt twice).
    public int length() {
        return chosen.length() + rejected.length();
    }

    /// Number of tokens both sequences begin with in common; what a shared prompt saves.
    public int sharedPrefix() {
        int[] a = chosen.ids();
        int[] b = rejected.ids();
        int shared = 0;
        while (shared < Math.min(a.length, b.length) && a[shared] == b[shared]) {
            shared++;
        }
        return shared;
    }
}
