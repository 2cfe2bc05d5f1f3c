package org.attune.trainers.examples;

import org.attune.datasets.rows.RowOrigin;

import java.util.List;

/// One preference pair, after truncation. Both sides begin with the same prompt, unless
/// `keep_end` cut them differently.
///
/// @param chosen   the better sequence
/// @param rejected the other one
/// @param origin   the row it comes from
public record PreferenceExample(
        CompletionTokens chosen, CompletionTokens rejected, RowOrigin origin)
        implements TrainingRow {

    /// Number of tokens of both sequences, as TRL counts them (the prompt twice).
    @Override
    public int length() {
        return chosen.length() + rejected.length();
    }

    /// Ids of both sides.
    @Override
    public List<int[]> sequences() {
        return List.of(chosen.ids(), rejected.ids());
    }

    @Override
    public List<String> origins() {
        return List.of(origin.where());
    }

    @Override
    public List<GivenAnswer> answers() {
        return List.of(new GivenAnswer("chosen", chosen), new GivenAnswer("rejected", rejected));
    }
}
