package org.attune.cli;

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
    /// The shells.
    enum Shell {
        BASH,
        ZSH,
        FISH
    }

    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(paramLabel = "SHELL", description = "bash, zsh or fish.")
    Shell shell;

    @Override
    public Integer call() {
        var words = CompletionWords.all();
        PrintWriter out = spec.commandLine().getOut();
        out.print(
                switch (shell) {
                    case BASH, ZSH -> new BashCompletion(words).text(shell);
                    case FISH -> new FishCompletion(words).text();
                });
        out.flush();
        return ExitCodes.DONE;
    }
}
