package org.attune.datasets;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.datasets.rows.SampleBy;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// One entry of `datasets:`.
///
/// @param path    file, folder, `folder#name` or the name of a hub data set (`trl-lib/Capybara`)
/// @param name    which data set of the folder: a key of its `dataset_info.json`, or a subfolder
///     (a hub data set's configuration)
/// @param type    how to read the rows, where columns alone don't say: a dataset type of TRL, or
///     `alpaca`, `sharegpt` or `transcript`
/// @param split   which part of the rows: `train`, `test[:100]`, `train[10%:]` …
/// @param columns renames: the file's column → TRL's
/// @param sampleBy what one row of a plain text file is
/// @param fraction share of all rows that are loaded together, a number > 0 of which only ratios
///     count; empty: all rows of all sources
@Api(EXPERIMENTAL)
public record DatasetSource(
        String path,
        Optional<String> name,
        Optional<String> type,
        SplitSpec split,
        Map<String, String> columns,
        SampleBy sampleBy,
        OptionalDouble fraction) {

    public DatasetSource {
        columns = new LinkedHashMap<>(columns);
    }

    /// Rows of a path; of plain text files, each line is a row.
    public DatasetSource(
            String path,
            Optional<String> name,
            Optional<String> type,
            SplitSpec split,
            Map<String, String> columns) {
        this(path, name, type, split, columns, SampleBy.LINE, OptionalDouble.empty());
    }

    /// A path and nothing else.
    public static DatasetSource of(String path) {
        return new DatasetSource(
                path, Optional.empty(), Optional.empty(), SplitSpec.TRAIN, Map.of());
    }

    @Override
    public String toString() {
        return path + name.map(n -> "#" + n).orElse("");
    }
}
