package org.attune.trainers.config;

import jakarta.validation.constraints.NotBlank;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// One source of rows: a file, a folder, a name in a `dataset_info.json` (`folder:name`), or a
/// hub name that is in the local cache.
///
/// @param path where the rows are
/// @param name configuration of a hub dataset, or name in the `dataset_info.json` at `path`
/// @param type format of the rows; unset: recognised from the columns
/// @param split split of a dataset that has several
/// @param columns our column name to the file's
/// @param fraction share of the rows to use, from the first on; in (0, 1]
public record DatasetSpec(
        @NotBlank(message = "a file, a folder, or a hub name that is in the local cache")
                String path,
        Optional<String> name,
        Optional<String> type,
        @NotBlank(message = "a name of a split") String split,
        Map<String, String> columns,
        @InRange(min = 0, minOpen = true, max = 1) OptionalDouble fraction) {
    public DatasetSpec {
        columns = Map.copyOf(columns);
    }

    /// The defaults, as listed at the parameters.
    public static DatasetSpec defaults() {
        return new DatasetSpec(
                "", Optional.empty(), Optional.empty(), "train", Map.of(), OptionalDouble.empty());
    }

    public static DatasetSpec of(String path) {
        return defaults().withPath(path);
    }

    public DatasetSpec withPath(String path) {
        return new DatasetSpec(path, name, type, split, columns, fraction);
    }

    public DatasetSpec withName(String name) {
        return new DatasetSpec(path, Optional.of(name), type, split, columns, fraction);
    }

    public DatasetSpec withType(String type) {
        return new DatasetSpec(path, name, Optional.of(type), split, columns, fraction);
    }

    public DatasetSpec withSplit(String split) {
        return new DatasetSpec(path, name, type, split, columns, fraction);
    }

    public DatasetSpec withColumns(Map<String, String> columns) {
        return new DatasetSpec(path, name, type, split, columns, fraction);
    }

    public DatasetSpec withFraction(double fraction) {
        return new DatasetSpec(path, name, type, split, columns, OptionalDouble.of(fraction));
    }
}
