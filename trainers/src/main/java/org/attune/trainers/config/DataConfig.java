package org.attune.trainers.config;

import static org.attune.api.Api.Status.EXPERIMENTAL;
import static org.attune.error.Argument.given;
import static org.attune.error.Argument.givenAll;

import jakarta.validation.Valid;
import jakarta.validation.constraints.NotEmpty;

import org.attune.api.Api;
import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.UnusedColumns;
import org.attune.records.CopyMethods;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;

/// What is trained on and what is evaluated on.
///
/// @param datasets training rows, one source after the other; required
/// @param evalDatasets rows for evaluation
/// @param testSplitSize where `eval_datasets` is unset: rows held out of the training data, a
///     share in (0, 1) or a number from 1 on
/// @param onBadRow what to do with faulty rows
/// @param unusedColumns what to do with content in columns that nothing reads
/// @param applyChatTemplate whether prompts of plain text are put into the chat template as a
///     user's message, and what completes them as the assistant's
/// @param shuffleDataset shuffle the rows once, before anything else
@Api(EXPERIMENTAL)
@CopyMethods
public record DataConfig(
        @NotEmpty(
                        message =
                                "one path, or a list of {path, type?, name?, split?, columns?,"
                                        + " sample_by?}")
                List<@Valid DatasetSpec> datasets,
        List<@Valid DatasetSpec> evalDatasets,
        @InRange(min = 0, minOpen = true) OptionalDouble testSplitSize,
        BadRowPolicy onBadRow,
        UnusedColumns unusedColumns,
        boolean applyChatTemplate,
        boolean shuffleDataset)
        implements DataConfigCopies {
    public DataConfig {
        datasets = List.copyOf(datasets);
        evalDatasets = List.copyOf(evalDatasets);
    }

    /// The defaults, as listed at the parameters.
    public static DataConfig defaults() {
        return DataConfigCopies.blank()
                .withOnBadRow(BadRowPolicy.ERROR)
                .withUnusedColumns(UnusedColumns.ERROR);
    }

    public static DataConfig of(String... paths) {
        return defaults()
                .withDatasets(
                        givenAll(Arrays.asList(given(paths, "paths")), "paths").stream()
                                .map(DatasetSpec::of)
                                .toList());
    }
}
