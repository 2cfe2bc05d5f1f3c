package org.attune.datasets;

import org.attune.datasets.formats.Sample;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.ConfigException;

import java.util.List;

/// Checked rows of all sources, one source after the other.
///
/// @param samples  the rows
/// @param sources  what each source gave
/// @param skipped  rows left out because of `on_bad_row: skip`
/// @param warnings rows that are used but look like a mistake
public record LoadedDataset(
        List<Sample> samples, List<Source> sources, List<Note> skipped, List<Note> warnings) {
    public LoadedDataset {
        samples = List.copyOf(samples);
        sources = List.copyOf(sources);
        skipped = List.copyOf(skipped);
        warnings = List.copyOf(warnings);
    }

    /// @param name   the source as configured
    /// @param format how its rows were read, in words
    /// @param rows   samples it gave
    public record Source(String name, String format, int rows) {}

    /// Something about one row.
    public record Note(RowOrigin origin, String message) {}

    /// Training rows and held-out rows.
    public record Holdout(List<Sample> train, List<Sample> test) {}

    /// Puts some rows aside for evaluation (`test_split_size`), drawn at random; both parts keep
    /// the rows' order.
    ///
    /// @param size a share of the rows in `(0, 1)`, rounded up, or their number, ≥ 1
    /// @param seed the same seed gives the same split
    /// @throws ConfigException if nothing would be left to train on, or `size` isn't positive
    public Holdout holdOut(double size, long seed) {
        Positions.Holdout parts = Positions.holdOut(samples.size(), size, seed);
        return new Holdout(at(parts.train()), at(parts.test()));
    }

    private List<Sample> at(List<Integer> positions) {
        return positions.stream().map(samples::get).toList();
    }
}
