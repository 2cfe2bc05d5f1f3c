package org.attune.cli;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.RankOptions;
import org.attune.cli.command.RunArguments;
import org.attune.cli.command.UsesEngine;
import org.attune.cli.config.LoadedRun;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.opening.TrainingMethod;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.util.Optional;
import java.util.concurrent.Callable;

/// `attune METHOD RUN.yaml [key=value …]`
@Command
final class TrainCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Mixin RunArguments run;
    @Mixin RankOptions ranks;
    @Spec CommandSpec spec;

    private final TrainingMethod<?, ?> method;
    private Optional<TrainingSession> session = Optional.empty();

    private TrainCommand(TrainingMethod<?, ?> method) {
        this.method = method;
    }

    /// The command of a method.
    static CommandLine of(TrainingMethod<?, ?> method) {
        var line = new CommandLine(new TrainCommand(method));
        line.getCommandSpec().name(method.name());
        line.getCommandSpec().usageMessage().description(method.summary());
        return line;
    }

    @Override
    public boolean stopsItself() {
        return true;
    }

    @Override
    public boolean generates() {
        return switch (method.kind()) {
            case GENERATES, DISTILS -> true;
            case ROWS, SCORES, EMBEDS -> false;
        };
    }

    @Override
    public Integer call() {
        return train(method);
    }

    @Override
    public boolean computesHere() {
        return !ranks.areAsked();
    }

    private <C extends Record & RunConfig> int train(TrainingMethod<C, ?> one) {
        LoadedRun<C> loaded = DeviceCount.read(one, run, System.getenv());
        C config = loaded.config();
        var opened = new TrainingSession(spec, loaded, config);
        if (ranks.areAsked()) {
            return new RankStart(spec, ranks).run(opened::advice);
        }
        session = Optional.of(opened);
        return opened.run(runs -> runs.train(one, config, loaded.directory()));
    }

    /// Ends the other ranks of the run after a failure of this one.
    void endOthers(int code) {
        session.ifPresent(opened -> opened.endOthers(code));
    }
}
