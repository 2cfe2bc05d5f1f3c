package org.attune.cli;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.RunArguments;
import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.MethodChoice;
import org.attune.cli.config.RunConfigReader;
import org.attune.cli.terminal.RunScreen;
import org.attune.datasets.examples.PromptExample;
import org.attune.datasets.examples.TrainingRow;
import org.attune.datasets.prepare.Preview;
import org.attune.files.HubCache;
import org.attune.models.ModelSetup;
import org.attune.rollout.generation.TextCompleter;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.onpolicy.RolloutRun;
import org.attune.trainers.opening.ReadColumns;
import org.attune.trainers.opening.RolloutSetup;
import org.attune.trainers.opening.RowSetup;
import org.attune.trainers.opening.RunRows;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.samples.SampleConfig;
import org.attune.trainers.samples.SampleRun;
import org.attune.trainers.sweep.SweepPlan;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;

/// `attune preview RUN.yaml [key=value …]`
@Command(
        name = "preview",
        description = {
            "Show a run's rows as the model will see them; trains nothing.",
            "Trained tokens are marked, prompts have what rewards read; lengths, shares and what is"
                    + " dropped and cut are counted for each file."
        })
final class PreviewCommand implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(PreviewCommand.class);

    @Mixin CommonOptions common;
    @Mixin RunArguments run;
    @Spec CommandSpec spec;

    @Option(
            names = {"-n", "--rows"},
            defaultValue = "3",
            description = "Rows to show (default: ${DEFAULT-VALUE}).")
    int rows;

    @Option(
            names = "--method",
            description =
                    "A method, as sft or dpo (default: what the file's keys and" + " rows say).")
    TrainingMethod<?, ?> method;

    @Override
    public Integer call() {
        var reader = new RunConfigReader();
        if (method == null && reader.isOf(SampleConfig.defaults(), run.file(), run.words)) {
            showSample(reader);
            return ExitCodes.DONE;
        }
        reader.block(run.file(), run.words, SweepCommand.BLOCK).ifPresent(this::tellOfSweep);
        RunConfigReader own = reader.without(SweepCommand.BLOCK);
        TrainingMethod<?, ?> shown = method == null ? method(own) : method;
        show(own, shown);
        return ExitCodes.DONE;
    }

    private void tellOfSweep(Object block) {
        SweepPlan plan = SweepPlan.of(block);
        spec.commandLine()
                .getOut()
                .println(
                        "a file of attune sweep: %d trials of %s; rows are shown as they are without"
                                .formatted(
                                        plan.trials(), String.join(", ", plan.ranges().keySet())));
    }

    private TrainingMethod<?, ?> method(RunConfigReader reader) {
        MethodChoice choice = reader.methodOf(run.file(), run.words, RowSetup::typeOf);
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
        LoadedRun<C> loaded = reader.read(shown, run.file(), run.words).found();
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
                reader.readCommand("sample", SampleConfig.defaults(), run.file(), run.words)
                        .found();
        SampleConfig config = loaded.config();
        LOG.info("{} is taken for a file of attune sample, from its keys", run.file());
        ReadColumns read = RolloutSetup.rewardColumns(config, loaded.directory());
        Set<String> columns = new LinkedHashSet<>(config.output().keepColumns());
        columns.addAll(read.all());
        HubCache hub = loaded.environment().hubCache();
        PrintWriter out = spec.commandLine().getOut();
        try (var model = ModelSetup.open(config.model(), hub)) {
            RunRows<PromptExample> prepared =
                    SampleRun.prompts(config, loaded.directory(), hub, model);
            var preview = new Preview(model.text().tokenizer(), marks());
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

    private static Preview.Marks marks() {
        return RunScreen.isTerminal() ? Preview.Marks.ANSI : Preview.Marks.PLAIN;
    }

    private void tellOfRewards(ReadColumns read, RunRows<PromptExample> rows) {
        PrintWriter out = spec.commandLine().getOut();
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
        PrintWriter out = spec.commandLine().getOut();
        HubCache hub = loaded.environment().hubCache();
        try (var model = ModelSetup.open(loaded.config().model(), hub)) {
            RunRows<R> prepared =
                    RunRows.known(
                            shown.prepare(
                                    RowSetup.of(model, hub, loaded.directory()), loaded.config()));
            var preview = new Preview(model.text().tokenizer(), marks());
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
