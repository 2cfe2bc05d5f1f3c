package org.attune.trainers.samples;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/// Which completions are kept, and how they are written.
///
/// @param outputFile `.jsonl` or `.parquet`; required
/// @param samplesFile all completions with their rewards, from which an interrupted run goes on and
///     other choices are made; unset: `output_file` with `.samples.jsonl` behind it
/// @param keep which completions become rows
/// @param keepPerPrompt rows of a prompt at most, the best first; unset: one with `best` and
///     `pairs`, else no limit
/// @param rewardThreshold reward that a completion must reach for `above`, and to be labelled good;
///     with `best` and `pairs` the best one must reach it
/// @param rewardMargin by how much the rewards of a pair differ at least; they are never equal
/// @param rowForm columns of rows with one completion
/// @param dropTruncated leave out completions that reached `max_completion_length`
/// @param dropDuplicates of a prompt's completions with the same text, keep the first
/// @param keepColumns columns of the prompts' rows that are copied; `tools` and
///     `chat_template_kwargs` always are
@CopyMethods
public record SampleOutputConfig(
        Path outputFile,
        Optional<Path> samplesFile,
        KeptSamples keep,
        @InRange(min = 1) OptionalInt keepPerPrompt,
        @InRange OptionalDouble rewardThreshold,
        @InRange(min = 0) double rewardMargin,
        RowForm rowForm,
        boolean dropTruncated,
        boolean dropDuplicates,
        List<String> keepColumns)
        implements SampleOutputConfigCopies, CrossChecked {
    public SampleOutputConfig {
        keepColumns = List.copyOf(keepColumns);
    }

    /// The defaults, as listed at the parameters.
    public static SampleOutputConfig defaults() {
        return SampleOutputConfigCopies.blank()
                .withOutputFile(Path.of(""))
                .withKeep(KeptSamples.ALL)
                .withRowForm(RowForm.PROMPT_COMPLETION)
                .withDropTruncated(true)
                .withDropDuplicates(true);
    }

    /// The file of all completions.
    Path samples() {
        return samplesFile.orElseGet(
                () -> outputFile.resolveSibling(outputFile.getFileName() + ".samples.jsonl"));
    }

    /// Whether the file is Parquet.
    boolean isParquet() {
        return lowerName().endsWith(".parquet");
    }

    private String lowerName() {
        return outputFile.toString().toLowerCase(Locale.ROOT);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<ConfigProblem>();
        if (!isParquet() && !lowerName().endsWith(".jsonl")) {
            problems.add(
                    new ConfigProblem(
                            "output_file",
                            outputFile,
                            "a file whose name ends with .jsonl or .parquet"));
        }
        boolean labels = keep == KeptSamples.ABOVE || keep == KeptSamples.LABELLED;
        if (labels && rewardThreshold.isEmpty()) {
            problems.add(
                    new ConfigProblem(
                            "reward_threshold",
                            "null",
                            "a number with keep: " + keep.name().toLowerCase(Locale.ROOT)));
        }
        boolean single = keep != KeptSamples.PAIRS && keep != KeptSamples.LABELLED;
        if (rowForm == RowForm.MESSAGES && !single) {
            problems.add(
                    new ConfigProblem(
                            "row_form",
                            "messages",
                            "prompt_completion with keep: "
                                    + keep.name().toLowerCase(Locale.ROOT)
                                    + ", whose rows have a prompt of their own"));
        }
        return problems;
    }
}
