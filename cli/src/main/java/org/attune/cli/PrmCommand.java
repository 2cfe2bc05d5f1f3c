package org.attune.cli;

import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.RunConfigReader;
import org.attune.trainers.scoring.PrmConfig;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.util.List;
import java.util.concurrent.Callable;

/// `attune prm RUN.yaml [key=value …]`
@Command(name = "prm", description = "Train a process reward model on judged steps.")
final class PrmCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Mixin RunArguments run;
    @Spec CommandSpec spec;

    @Override
    public boolean stopsItself() {
        return true;
    }

    @Override
    public Integer call() {
        LoadedRun<PrmConfig> loaded = new RunConfigReader().prm(run.file(), run.words).found();
        PrmConfig config = loaded.config();
        return new TrainingSession(
                        spec,
                        loaded,
                        config.training(),
                        List.of(config.model().adapterNameOrPath()))
                .run(runs -> runs.prm(config));
    }
}
