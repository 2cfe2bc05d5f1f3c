package org.attune.cli;

import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.Method;
import org.attune.cli.config.MethodChoice;
import org.attune.cli.config.RunConfigReader;
import org.attune.datasets.examples.PackedRow;
import org.attune.datasets.examples.PreferenceExample;
import org.attune.datasets.examples.PromptExample;
import org.attune.datasets.examples.RewardExample;
import org.attune.datasets.examples.StepwiseExample;
import org.attune.datasets.examples.UnpairedExample;
import org.attune.datasets.prepare.Preview;
import org.attune.files.HubCache;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.onpolicy.RolloutRun;
import org.attune.trainers.ppo.PpoConfig;
import org.attune.trainers.preference.DpoConfig;
import org.attune.trainers.run.RolloutSetup;
import org.attune.trainers.run.RowSetup;
import org.attune.trainers.run.RunRows;
import org.attune.trainers.scoring.PrmConfig;
import org.attune.trainers.scoring.RewardTrainerConfig;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.unpaired.BcoConfig;
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
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.function.BiFunction;
import java.util.function.Function;

/// `attune preview RUN.yaml [key=value …]`
@Command(
        name = "preview",
        description = {
            "Show a run's rows as the model will see them; trains nothing.",
            "Trained tokens are marked, prompts have what rewards read, and what is dropped and cut"
                    + " is counted."
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
                    "sft, dpo, bco, grpo, ppo, reward or prm (default: what the file's keys and"
                            + " rows say).")
    Method method;

    @Override
    public Integer call() {
        var reader = new RunConfigReader();
        switch (method == null ? method(reader) : method) {
            case SFT -> {
                LoadedRun<SftConfig> loaded = reader.sft(run.file(), run.words).found();
                show(
                        loaded.config().model(),
                        loaded.environment().hubCache(),
                        setup -> setup.sft(loaded.config()),
                        (Preview preview, PackedRow row) -> preview.row(row));
            }
            case DPO -> {
                LoadedRun<DpoConfig> loaded = reader.dpo(run.file(), run.words).found();
                show(
                        loaded.config().model(),
                        loaded.environment().hubCache(),
                        setup -> setup.dpo(loaded.config()),
                        (Preview preview, PreferenceExample pair) -> preview.pair(pair));
            }
            case BCO -> {
                LoadedRun<BcoConfig> loaded = reader.bco(run.file(), run.words).found();
                show(
                        loaded.config().model(),
                        loaded.environment().hubCache(),
                        setup -> setup.bco(loaded.config()),
                        (Preview preview, UnpairedExample row) -> preview.labelled(row));
            }
            case REWARD -> {
                LoadedRun<RewardTrainerConfig> loaded =
                        reader.reward(run.file(), run.words).found();
                show(
                        loaded.config().model(),
                        loaded.environment().hubCache(),
                        setup -> setup.reward(loaded.config()),
                        (Preview preview, RewardExample pair) -> preview.rewardPair(pair));
            }
            case PRM -> {
                LoadedRun<PrmConfig> loaded = reader.prm(run.file(), run.words).found();
                show(
                        loaded.config().model(),
                        loaded.environment().hubCache(),
                        setup -> setup.prm(loaded.config()),
                        (Preview preview, StepwiseExample row) -> preview.judged(row));
            }
            case GRPO -> {
                LoadedRun<GrpoConfig> loaded = reader.grpo(run.file(), run.words).found();
                showPrompts(loaded, loaded.config());
            }
            case PPO -> {
                LoadedRun<PpoConfig> loaded = reader.ppo(run.file(), run.words).found();
                showPrompts(loaded, loaded.config());
            }
        }
        return ExitCodes.DONE;
    }

    private Method method(RunConfigReader reader) {
        MethodChoice choice = reader.methodOf(run.file(), run.words, RowSetup::typeOf);
        LOG.info(
                "{} is taken for {}, from {}{}",
                choice.run(),
                choice.method().wireName(),
                choice.reason(),
                choice.certain() ? "" : "; --method says another");
        return choice.method();
    }

    private void showPrompts(LoadedRun<?> loaded, RolloutRun config) {
        Map<String, Set<String>> read = RolloutSetup.rewardColumns(config, loaded.directory());
        Set<String> columns = new LinkedHashSet<>();
        read.values().forEach(columns::addAll);
        RunRows<PromptExample> rows =
                show(
                        config.model(),
                        loaded.environment().hubCache(),
                        setup -> setup.prompts(config),
                        (Preview preview, PromptExample prompt) -> preview.prompt(prompt, columns));
        PrintWriter out = spec.commandLine().getOut();
        out.println("longest prompt: %d tokens".formatted(longest(rows.train())));
        Set<String> given = new TreeSet<>();
        rows.train().forEach(prompt -> given.addAll(prompt.columns().keySet()));
        out.println(
                "columns for rewards: " + (given.isEmpty() ? "none" : String.join(", ", given)));
        read.forEach(
                (reward, own) ->
                        out.println(
                                own.isEmpty()
                                        ? "reward %s names no column that it needs"
                                                .formatted(reward)
                                        : "reward %s needs %s"
                                                .formatted(reward, String.join(", ", own))));
        out.flush();
        RolloutSetup.requireColumns(read, rows);
    }

    private static int longest(List<PromptExample> prompts) {
        return prompts.stream().mapToInt(PromptExample::length).max().orElse(0);
    }

    private <T> RunRows<T> show(
            ModelConfig config,
            HubCache hub,
            Function<RowSetup, RunRows<T>> prepare,
            BiFunction<Preview, T, String> shown) {
        PrintWriter out = spec.commandLine().getOut();
        Preview.Marks marks = RunScreen.isTerminal() ? Preview.Marks.ANSI : Preview.Marks.PLAIN;
        try (var model = ModelSetup.open(config, hub)) {
            RunRows<T> prepared = prepare.apply(new RowSetup(model.text(), hub));
            var preview = new Preview(model.text().tokenizer(), marks);
            List<T> first = prepared.train().stream().limit(rows).toList();
            first.forEach(row -> out.println(shown.apply(preview, row)));
            out.print(preview.report(prepared.report()));
            out.flush();
            return prepared;
        }
    }
}
