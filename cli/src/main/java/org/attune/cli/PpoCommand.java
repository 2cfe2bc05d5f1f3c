package org.attune.cli;

import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.RunConfigReader;
import org.attune.trainers.ppo.PpoConfig;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/// `attune ppo RUN.yaml [key=value …]`
@Command(
        name = "ppo",
        description = "Learn from rewards with a critic: proximal policy optimisation.")
final class PpoCommand implements Callable<Integer>, UsesEngine {
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
        LoadedRun<PpoConfig> loaded = new RunConfigReader().ppo(run.file(), run.words).found();
        PpoConfig config = loaded.config();
        return new TrainingSession(
                        spec,
                        loaded,
                        config.training(),
                        Optional.of(config.completionLog()),
                        List.of(
                                config.model().adapterNameOrPath(),
                                config.reference().refModelNameOrPath()))
                .run(runs -> runs.ppo(config, loaded.directory()));
    }
}
