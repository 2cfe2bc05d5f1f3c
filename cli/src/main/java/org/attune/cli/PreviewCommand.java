package org.attune.cli;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.RunArguments;
import org.attune.cli.preview.RunPreview;
import org.attune.cli.terminal.RunScreen;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.prepare.Preview;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.util.Optional;
import java.util.concurrent.Callable;

/// `attune preview RUN.yaml [key=value …]`
@Command(
        name = "preview",
        description = {
            "Show a run's rows as the model will see them; trains nothing.",
            "Trained tokens are marked, prompts have what rewards read; lengths, shares and what is"
                    + " dropped and cut are counted for each file."
        })
final class PreviewCommand implements Callable<Integer> {
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
                    "A method, as sft or dpo (default: what the file's keys and" + " rows say).")
    TrainingMethod<?, ?> method;

    @Override
    public Integer call() {
        new RunPreview(
                        run.file(),
                        run.words,
                        rows,
                        RunScreen.isTerminal() ? Preview.Marks.ANSI : Preview.Marks.PLAIN,
                        spec.commandLine().getOut())
                .print(Optional.ofNullable(method));
        return ExitCodes.DONE;
    }
}
