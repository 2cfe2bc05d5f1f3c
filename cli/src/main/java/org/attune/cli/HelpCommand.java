package org.attune.cli;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.error.ConfigException;
import org.attune.error.Spelling;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.util.Map;
import java.util.concurrent.Callable;

/// `attune help [COMMAND]`
@Command(name = "help", description = "Show what a command does and takes, or the overview.")
final class HelpCommand implements Callable<Integer> {
    @Mixin CommonOptions common;
    @Spec CommandSpec spec;

    @Parameters(arity = "0..1", paramLabel = "COMMAND", description = "One of the commands.")
    String name;

    @Override
    public Integer call() {
        CommandLine whole = spec.parent().commandLine();
        if (name == null) {
            whole.usage(whole.getOut());
            return ExitCodes.DONE;
        }
        Map<String, CommandLine> commands = whole.getSubcommands();
        CommandLine command = commands.get(name);
        if (command == null) {
            ElsewhereCommand.instead(name)
                    .ifPresent(
                            text -> {
                                throw new ConfigException(text);
                            });
            throw new ConfigException(
                    "there is no command %s%s"
                            .formatted(
                                    name,
                                    Spelling.nearest(name, commands.keySet())
                                            .map(near -> "; did you mean " + near + "?")
                                            .orElse("; attune help lists them")));
        }
        command.usage(whole.getOut());
        return ExitCodes.DONE;
    }
}
