package org.attune.cli;

import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.RunConfigReader;
import org.attune.trainers.grpo.GrpoConfig;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/// `attune grpo RUN.yaml [key=value …]`
@Command(name = "grpo", description = "Learn from rewards: group-relative policy optimisation.")
final class GrpoCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Mixin RunArguments run;
    @Spec CommandSpec spec;

    @Override
    public boolean stopsItself() {
        return true;
    }

    @Override
    public boolean generates() {
        return true;
    }

    @Override
    public Integer call() {
        LoadedRun<GrpoConfig> loaded = new RunConfigReader().grpo(run.file(), run.words).found();
        GrpoConfig config = loaded.config();
        return new TrainingSession(
                        spec,
                        loaded,
                        config.training(),
                        Optional.of(config.completionLog()),
                        List.of(
                                config.model().adapterNameOrPath(),
                                config.reference().refModelNameOrPath()))
                .run(runs -> runs.grpo(config, loaded.directory()));
    }
}
