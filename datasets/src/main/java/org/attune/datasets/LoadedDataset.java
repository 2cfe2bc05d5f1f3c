package org.attune.datasets;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.PermutationSampler;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.ConfigException;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

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
        int rows = samples.size();
        if (!(size > 0) || size >= 1 && size != Math.rint(size)) {
            throw new ConfigException(
                    "test_split_size must be a share between 0 and 1 or a number of rows, got "
                            + size);
        }
        long count = size < 1 ? (long) Math.ceil(size * rows) : (long) size;
        if (count >= rows) {
            throw new ConfigException(
                    "test_split_size %s would put aside %d of %d rows, nothing is left to train on"
                            .formatted(size, count, rows));
        }
        UniformRandomProvider random = RandomSource.XO_SHI_RO_256_PP.create(seed);
        int[] order = PermutationSampler.natural(rows);
        PermutationSampler.shuffle(random, order);
        boolean[] aside = new boolean[rows];
        Arrays.stream(order, 0, (int) count).forEach(row -> aside[row] = true);
        return new Holdout(part(aside, false), part(aside, true));
    }

    private List<Sample> part(boolean[] aside, boolean wanted) {
        return IntStream.range(0, samples.size())
                .filter(row -> aside[row] == wanted)
                .mapToObj(samples::get)
                .toList();
    }
}
