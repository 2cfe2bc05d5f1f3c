package org.attune.cli;

import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.RunConfigReader;
import org.attune.trainers.preference.DpoConfig;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.util.List;
import java.util.concurrent.Callable;

/// `attune dpo RUN.yaml [key=value …]`
@Command(name = "dpo", description = "Align on preference pairs: direct preference optimisation.")
final class DpoCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Mixin RunArguments run;
    @Spec CommandSpec spec;

    @Override
    public boolean stopsItself() {
        return true;
    }

    @Override
    public Integer call() {
        LoadedRun<DpoConfig> loaded = new RunConfigReader().dpo(run.file(), run.words).found();
        DpoConfig config = loaded.config();
        return new TrainingSession(
                        spec,
                        loaded,
                        config.training(),
                        List.of(
                                config.model().adapterNameOrPath(),
                                config.reference().refModelNameOrPath()))
                .run(runs -> runs.dpo(config));
    }
}
