package org.attune.datasets;

import org.attune.datasets.LoadedDataset.Note;
import org.attune.datasets.LoadedDataset.Source;

import java.util.List;

/// What is known of rows that were handed over one by one.
///
/// @param chosen   which of them are wanted, in their order: their numbers among all that were
///     handed over, from 0. A row can be wanted several times
/// @param sources  what each source gave
/// @param skipped  rows left out because of `on_bad_row: skip`
/// @param warnings rows that are used but look like a mistake
public record PassedRows(
        List<Integer> chosen, List<Source> sources, List<Note> skipped, List<Note> warnings) {
    public PassedRows {
        sources = List.copyOf(sources);
        skipped = List.copyOf(skipped);
        warnings = List.copyOf(warnings);
    }
}
