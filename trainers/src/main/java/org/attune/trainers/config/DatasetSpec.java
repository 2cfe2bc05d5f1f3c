package org.attune.trainers.config;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.constraints.NotBlank;

import org.attune.api.Api;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.SplitSpec;
import org.attune.datasets.rows.SampleBy;
import org.attune.error.ConfigException;
import org.attune.records.CopyMethods;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// One source of rows: a file, a folder, an entry of a folder's `dataset_info.json`
/// (`folder#name`), or a name on the Hub.
///
/// @param path where the rows are
/// @param name which data set of the folder: an entry of its `dataset_info.json`, or a hub data
///     set's configuration
/// @param type format of the rows; unset: recognised from the columns
/// @param split which part of the rows: `train`, `test[:100]`, `train[10%:]`
/// @param columns renames: the file's column to TRL's
/// @param sampleBy what one row of a `.txt` file is
/// @param fraction share of the rows of all `datasets` that are of this one; only ratios count.
///     Given for all or none
@Api(EXPERIMENTAL)
@CopyMethods
public record DatasetSpec(
        @NotBlank(message = "a file, a folder, or a name on the Hub") String path,
        Optional<String> name,
        Optional<String> type,
        @NotBlank(message = "a split, such as train or test[:100]") String split,
        Map<String, String> columns,
        SampleBy sampleBy,
        @InRange(min = 0, minOpen = true) OptionalDouble fraction)
        implements DatasetSpecCopies, CrossChecked {
    public DatasetSpec {
        columns = Map.copyOf(columns);
    }

    /// The split `train`, with nothing else said.
    public static DatasetSpec defaults() {
        return DatasetSpecCopies.blank()
                .withPath("")
                .withSplit("train")
                .withSampleBy(SampleBy.LINE);
    }

    public static DatasetSpec of(String path) {
        return defaults().withPath(path);
    }

    /// The source that the loader of rows takes.
    public DatasetSource source() {
        return new DatasetSource(
                path,
                name,
                type,
                SplitSpec.parse(split),
                new LinkedHashMap<>(columns),
                sampleBy,
                fraction);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        try {
            SplitSpec.parse(split);
            return List.of();
        } catch (ConfigException e) {
            return List.of(new ConfigProblem("split", split, "train, test[:100], train[10%:95%]"));
        }
    }
}
