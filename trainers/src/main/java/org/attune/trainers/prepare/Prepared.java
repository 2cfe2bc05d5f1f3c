package org.attune.trainers.prepare;

import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.examples.StoredRows;

import java.util.List;

/// Rows ready to train on.
///
/// @param rows   [PackedRow]s or [PreferenceExample]s, in the order of the samples (packing
///     orders them anew)
/// @param report what happened on the way
public record Prepared<T>(List<T> rows, PreparationReport report) {
    public Prepared {
        rows = StoredRows.unchanged(rows);
    }
}
