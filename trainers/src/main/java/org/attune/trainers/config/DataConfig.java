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
import java.util.Optional;
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
/// @param probabilities how often rows of each of `datasets` come; only ratios count. Then, or with
///     a stopping strategy, the data sets are interleaved anew in each epoch. None: all rows of all
/// @param stoppingStrategy when an epoch of interleaved data sets ends; unset: when the first one
///     is used up
/// @param streaming read rows as steps ask for them, so that any number of them takes the same
///     memory; `max_steps` says how long the run is
/// @param shuffleBufferSize rows among which a stream's next one is drawn
@Api(EXPERIMENTAL)
@CopyMethods
public record DataConfig(
        @NotEmpty(
                        message =
                                "one path, or a list of {path, type?, name?, split?, columns?,"
                                        + " sample_by?, fraction?}")
                List<@Valid DatasetSpec> datasets,
        List<@Valid DatasetSpec> evalDatasets,
        @InRange(min = 0, minOpen = true) OptionalDouble testSplitSize,
        BadRowPolicy onBadRow,
        UnusedColumns unusedColumns,
        boolean applyChatTemplate,
        boolean shuffleDataset,
        List<@InRange(min = 0, minOpen = true) Double> probabilities,
        Optional<StoppingStrategy> stoppingStrategy,
        boolean streaming,
        @InRange(min = 1) int shuffleBufferSize)
        implements DataConfigCopies, CrossChecked {
    public DataConfig {
        datasets = List.copyOf(datasets);
        evalDatasets = List.copyOf(evalDatasets);
        probabilities = List.copyOf(probabilities);
    }

    /// The defaults, as listed at the parameters.
    public static DataConfig defaults() {
        return DataConfigCopies.blank()
                .withOnBadRow(BadRowPolicy.ERROR)
                .withUnusedColumns(UnusedColumns.ERROR)
                .withShuffleBufferSize(1000);
    }

    public static DataConfig of(String... paths) {
        return defaults()
                .withDatasets(
                        givenAll(Arrays.asList(given(paths, "paths")), "paths").stream()
                                .map(DatasetSpec::of)
                                .toList());
    }

    /// Whether the data sets are interleaved.
    public boolean isMixture() {
        return !probabilities.isEmpty() || stoppingStrategy.isPresent();
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        long shares = datasets.stream().filter(set -> set.fraction().isPresent()).count();
        if (shares > 0 && shares < datasets.size()) {
            return List.of(
                    new ConfigProblem(
                            "datasets",
                            "fraction for %d of %d".formatted(shares, datasets.size()),
                            "a fraction for each data set (each file of data_files is one), or"
                                    + " for none"));
        }
        if (streaming && shares > 0) {
            return List.of(
                    new ConfigProblem(
                            "datasets",
                            "fraction",
                            "no fraction with streaming: true, which doesn't know how many rows"
                                    + " there are; probabilities interleave streams"));
        }
        if (!isMixture() || datasets.isEmpty()) {
            return List.of();
        }
        if (shares > 0) {
            return List.of(
                    new ConfigProblem(
                            "datasets",
                            "fraction",
                            "no fraction with probabilities or stopping_strategy, which say how"
                                    + " often rows of each data set come"));
        }
        if (!probabilities.isEmpty() && probabilities.size() != datasets.size()) {
            return List.of(
                    new ConfigProblem(
                            "probabilities",
                            probabilities,
                            "as many numbers as there are data sets, which are %d (each file of data_files is one)"
                                    .formatted(datasets.size())));
        }
        return datasets.size() > 1
                ? List.of()
                : List.of(
                        new ConfigProblem(
                                probabilities.isEmpty() ? "stopping_strategy" : "probabilities",
                                probabilities.isEmpty()
                                        ? stoppingStrategy.orElseThrow()
                                        : probabilities,
                                "null with one data set: there is nothing to interleave"));
    }
}
