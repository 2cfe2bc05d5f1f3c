package org.attune.cli;

import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.RunConfigReader;
import org.attune.trainers.sft.SftConfig;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.util.List;
import java.util.concurrent.Callable;

/// `attune sft RUN.yaml [key=value …]`
@Command(name = "sft", description = "Fine-tune on examples: supervised fine-tuning.")
final class SftCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Mixin RunArguments run;
    @Spec CommandSpec spec;

    @Override
    public boolean stopsItself() {
        return true;
    }

    @Override
    public Integer call() {
        LoadedRun<SftConfig> loaded = new RunConfigReader().sft(run.file(), run.words).found();
        SftConfig config = loaded.config();
        return new TrainingSession(
                        spec,
                        loaded,
                        config.training(),
                        List.of(config.model().adapterNameOrPath()))
                .run(runs -> runs.sft(config));
    }
}
