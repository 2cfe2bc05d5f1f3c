package org.attune.cli;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.completion.Shell;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.util.concurrent.Callable;

/// `attune completion SHELL`
@Command(
        name = "completion",
        description = {
            "Print what makes a shell complete commands, options and keys.",
            "bash: source <(attune completion bash); zsh: source <(attune completion zsh);",
            "fish: attune completion fish | source"
        })
final class CompletionCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(paramLabel = "SHELL", description = "bash, zsh or fish.")
    Shell shell;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        out.print(shell.text(AttuneCommand.line().getSubcommands()));
        out.flush();
        return ExitCodes.DONE;
    }
}
