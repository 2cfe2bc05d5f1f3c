package org.attune.trainers.examples;

import org.attune.datasets.rows.RowOrigin;

import java.util.List;

/// Sequences with labels, for a head that classifies, ranks or embeds.
///
/// @param sequences token ids of each, at least one token; do not modify
/// @param places where the one sequence is judged, token by token; empty: each at its end
/// @param labels as the row has them: of a sequence, of each place, or of each sequence
/// @param origin the row it comes from
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record LabelledExample(
        List<int[]> sequences, int[] places, List<Object> labels, RowOrigin origin)
        implements TrainingRow {
    public LabelledExample {
        sequences = List.copyOf(sequences);
        labels = List.copyOf(labels);
    }

    /// Number of tokens of all sequences.
    @Override
    public int length() {
        return sequences.stream().mapToInt(s -> s.length).sum();
    }

    @Override
    public List<String> origins() {
        return List.of(origin.where());
    }
}
