package org.attune.cli;

import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.RunConfigReader;
import org.attune.trainers.scoring.RewardTrainerConfig;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.util.List;
import java.util.concurrent.Callable;

/// `attune reward RUN.yaml [key=value …]`
@Command(name = "reward", description = "Train a reward model on preference pairs.")
final class RewardCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Mixin RunArguments run;
    @Spec CommandSpec spec;

    @Override
    public boolean stopsItself() {
        return true;
    }

    @Override
    public Integer call() {
        LoadedRun<RewardTrainerConfig> loaded =
                new RunConfigReader().reward(run.file(), run.words).found();
        RewardTrainerConfig config = loaded.config();
        return new TrainingSession(
                        spec,
                        loaded,
                        config.training(),
                        List.of(config.model().adapterNameOrPath()))
                .run(runs -> runs.reward(config));
    }
}
