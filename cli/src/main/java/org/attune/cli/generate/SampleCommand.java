package org.attune.cli.generate;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.RunArguments;
import org.attune.cli.command.UsesEngine;
import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.RunConfigReader;
import org.attune.cli.progress.CountedProgress;
import org.attune.cli.terminal.RunScreen;
import org.attune.error.ConfigException;
import org.attune.rollout.SampledCompletion;
import org.attune.tensor.Engine;
import org.attune.trainers.samples.SampleConfig;
import org.attune.trainers.samples.SampleRun;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.time.InstantSource;
import java.util.concurrent.Callable;

/// `attune sample RUN.yaml [key=value …]`
@Command(
        name = "sample",
        description = {
            "Write a data set: sample completions, score them, keep the best.",
            "The rows are for attune sft, dpo and the others. The same command goes on where it"
                    + " was interrupted; with another keep it chooses again from what there is."
        })
public final class SampleCommand implements Callable<Integer>, UsesEngine {
    private static final Logger LOG = LoggerFactory.getLogger(SampleCommand.class);

    @Mixin CommonOptions common;
    @Mixin RunArguments run;
    @Spec CommandSpec spec;

    @Override
    public boolean generates() {
        return true;
    }

    @Override
    public String afterStop() {
        return "what was sampled is kept in samples_file; the same command goes on";
    }

    @Override
    public Integer call() {
        LoadedRun<SampleConfig> loaded =
                new RunConfigReader()
                        .readCommand("sample", SampleConfig.defaults(), run.file(), run.words)
                        .found();
        loaded.notes().forEach(LOG::info);
        PrintWriter out = spec.commandLine().getOut();
        SampleConfig config = loaded.config();
        SampleRun.Result result;
        try (var screen = RunScreen.open(out)) {
            var counted = new CountedProgress(screen, InstantSource.system(), "prompts", true);
            counted.loading(config.model().modelNameOrPath());
            result = Engine.call(() -> sample(loaded, counted));
            counted.end();
        } catch (ConfigException e) {
            throw loaded.placed(e);
        }
        out.println(
                "%d rows of %d completions of %d prompts are in %s"
                        .formatted(
                                result.rows(),
                                result.completions(),
                                result.prompts(),
                                config.output().outputFile()));
        if (result.without() > 0) {
            out.println("%d prompts gave none".formatted(result.without()));
        }
        out.flush();
        return ExitCodes.DONE;
    }

    private static SampleRun.Result sample(
            LoadedRun<SampleConfig> loaded, CountedProgress counted) {
        var progress =
                new SampleRun.Progress() {
                    @Override
                    public void start(int before, int all) {
                        counted.start(before, all);
                    }

                    @Override
                    public void completed(SampledCompletion completion) {
                        counted.tokens(completion.ids().length);
                    }

                    @Override
                    public void judged() {
                        counted.completed();
                    }
                };
        return SampleRun.run(
                loaded.config(), loaded.directory(), loaded.environment().hubCache(), progress);
    }
}
