package org.attune.cli.preview;

import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.MethodChoice;
import org.attune.cli.config.RunConfigReader;
import org.attune.files.HubCache;
import org.attune.models.ModelSetup;
import org.attune.rollout.generation.TextCompleter;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.examples.TrainingRow;
import org.attune.trainers.onpolicy.RolloutRun;
import org.attune.trainers.opening.ReadColumns;
import org.attune.trainers.opening.RolloutSetup;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.prepare.Preview;
import org.attune.trainers.samples.SampleConfig;
import org.attune.trainers.samples.SampleRun;
import org.attune.trainers.sweep.SweepPlan;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// Prints a run's first rows as the model will see them, and counts of all.
///
/// @param file the run's; an empty path if the words name it or have all keys
/// @param words `key=value`, over those of the file
/// @param rows how many are shown
/// @param marks how trained tokens are marked
public record RunPreview(
        Path file, List<String> words, int rows, Preview.Marks marks, PrintWriter out) {
    private static final Logger LOG = LoggerFactory.getLogger(RunPreview.class);

    /// The key of `attune sweep`.
    private static final String SWEEP = "sweep";

    /// Prints the rows.
    ///
    /// @param method empty: what the keys and the rows say
    /// @throws org.attune.error.AttuneException if the configuration or the rows are wrong
    public void print(Optional<TrainingMethod<?, ?>> method) {
        var reader = new RunConfigReader();
        if (method.isEmpty() && reader.isOf(SampleConfig.defaults(), file, words)) {
            showSample(reader);
            return;
        }
        reader.block(file, words, SWEEP).ifPresent(this::tellOfSweep);
        RunConfigReader own = reader.without(SWEEP);
        TrainingMethod<?, ?> shown = method.isPresent() ? method.get() : method(own);
        show(own, shown);
    }

    private void tellOfSweep(Object block) {
        SweepPlan plan = SweepPlan.of(block);
        out.println(
                "a file of attune sweep: %d trials of %s; rows are shown as they are without"
                        .formatted(plan.trials(), String.join(", ", plan.ranges().keySet())));
    }

    private TrainingMethod<?, ?> method(RunConfigReader reader) {
        MethodChoice choice = reader.methodOf(file, words, RowSetup::typeOf);
        LOG.info(
                "{} is taken for {}, from {}{}",
                choice.run(),
                choice.method().name(),
                choice.reason(),
                choice.certain() ? "" : "; --method says another");
        return choice.method();
    }

    private <C extends Record & RunConfig, R extends TrainingRow> void show(
            RunConfigReader reader, TrainingMethod<C, R> shown) {
        LoadedRun<C> loaded = reader.read(shown, file, words).found();
        if (!(loaded.config() instanceof RolloutRun generating)) {
            show(loaded, shown, Set.of());
            return;
        }
        ReadColumns read = RolloutSetup.rewardColumns(generating, loaded.directory());
        RunRows<R> rows = show(loaded, shown, read.all());
        tellOfRewards(read, rows.map(PromptExample.class::cast));
    }

    /// A file of `attune sample`: the prompts that it completes.
    private void showSample(RunConfigReader reader) {
        LoadedRun<SampleConfig> loaded =
                reader.readCommand("sample", SampleConfig.defaults(), file, words).found();
        SampleConfig config = loaded.config();
        LOG.info("{} is taken for a file of attune sample, from its keys", file);
        ReadColumns read = RolloutSetup.rewardColumns(config, loaded.directory());
        Set<String> columns = new LinkedHashSet<>(config.output().keepColumns());
        columns.addAll(read.all());
        HubCache hub = loaded.environment().hubCache();
        try (var model = ModelSetup.open(config.model(), hub)) {
            RunRows<PromptExample> prepared =
                    SampleRun.prompts(config, loaded.directory(), hub, model);
            var preview = new Preview(model.text().tokenizer(), marks);
            prepared.train().stream()
                    .limit(rows)
                    .forEach(row -> out.println(preview.prompt(row, columns)));
            out.print(preview.report(prepared.report()));
            out.println(
                    "%d prompts are completed %d times each; keep: %s of them for %s"
                            .formatted(
                                    prepared.train().size(),
                                    config.numGenerations(),
                                    config.output().keep().name().toLowerCase(Locale.ROOT),
                                    config.output().outputFile()));
            tellOfRewards(read, prepared);
        }
    }

    private void tellOfRewards(ReadColumns read, RunRows<PromptExample> rows) {
        out.println("longest prompt: %d tokens".formatted(longest(rows.train())));
        Set<String> given = new TreeSet<>();
        rows.train().forEach(prompt -> given.addAll(prompt.columns().keySet()));
        out.println(
                "columns for rewards: " + (given.isEmpty() ? "none" : String.join(", ", given)));
        read.byReward()
                .forEach(
                        (reward, own) ->
                                out.println(
                                        own.isEmpty()
                                                ? "reward %s names no column that it needs"
                                                        .formatted(reward)
                                                : "reward %s needs %s"
                                                        .formatted(
                                                                reward, String.join(", ", own))));
        out.flush();
        read.check(rows);
    }

    private static int longest(List<PromptExample> prompts) {
        return prompts.stream().mapToInt(PromptExample::length).max().orElse(0);
    }

    /// @param columns of prompts, shown beside them
    private <C extends Record & RunConfig, R extends TrainingRow> RunRows<R> show(
            LoadedRun<C> loaded, TrainingMethod<C, R> shown, Set<String> columns) {
        HubCache hub = loaded.environment().hubCache();
        try (var model = ModelSetup.open(loaded.config().model(), hub)) {
            RunRows<R> prepared =
                    RunRows.known(
                            shown.prepare(
                                    RowSetup.of(model, hub, loaded.directory()), loaded.config()));
            var preview = new Preview(model.text().tokenizer(), marks);
            List<R> first = prepared.train().stream().limit(rows).toList();
            first.forEach(row -> out.println(shown.show(preview, row, columns)));
            Set<Integer> stops = TextCompleter.stopIds(model.source(), model.text().tokenizer());
            out.print(preview.survey(prepared.train(), prepared.report(), stops));
            out.print(preview.report(prepared.report()));
            out.flush();
            return prepared;
        }
    }
}
