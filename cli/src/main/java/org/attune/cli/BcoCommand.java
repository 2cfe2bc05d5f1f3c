package org.attune.cli;

import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.RunConfigReader;
import org.attune.trainers.unpaired.BcoConfig;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.util.List;
import java.util.concurrent.Callable;

/// `attune bco RUN.yaml [key=value …]`
@Command(name = "bco", description = "Align on completions labelled good or not: BCO.")
final class BcoCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Mixin RunArguments run;
    @Spec CommandSpec spec;

    @Override
    public Integer call() {
        LoadedRun<BcoConfig> loaded = new RunConfigReader().bco(run.file(), run.words).found();
        BcoConfig config = loaded.config();
        return new TrainingSession(
                        spec,
                        loaded,
                        config.training(),
                        List.of(config.model().adapterNameOrPath()))
                .run(runs -> runs.bco(config));
    }
}
