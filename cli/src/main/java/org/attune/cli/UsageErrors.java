package org.attune.cli;

import org.attune.cli.command.ExitCodes;
import org.attune.error.Secrets;
import org.attune.error.Spelling;

import picocli.CommandLine;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// Says what is wrong with a command line, what was probably meant, and where help is.
final class UsageErrors implements IParameterExceptionHandler {
    @Override
    public int handleParseException(ParameterException failure, String[] args) {
        CommandLine command = failure.getCommandLine();
        PrintWriter err = command.getErr();
        err.println(
                command.getColorScheme()
                        .errorText("attune: " + Secrets.masked(message(failure, command, args))));
        boolean top = command.getParent() == null;
        err.println(
                top
                        ? "attune help lists the commands."
                        : "attune help %s shows what it takes."
                                .formatted(command.getCommandName()));
        err.flush();
        return ExitCodes.USAGE;
    }

    private static String message(ParameterException failure, CommandLine command, String[] args) {
        return switch (failure) {
            case UnmatchedArgumentException unmatched -> unmatched(unmatched, command);
            case MissingParameterException missing ->
                    unknownOption(args, command).orElseGet(() -> missing(missing));
            default -> failure.getMessage();
        };
    }

    /// What is missing may be there under a name that is mistyped.
    private static Optional<String> unknownOption(String[] args, CommandLine command) {
        List<String> known = options(command);
        return Arrays.stream(args)
                .filter(arg -> arg.startsWith("--"))
                .map(arg -> arg.replaceFirst("=.*", ""))
                .filter(name -> !known.contains(name))
                .findFirst()
                .map(name -> noOption(name, known));
    }

    private static List<String> options(CommandLine command) {
        return command.getCommandSpec().options().stream()
                .map(OptionSpec::names)
                .flatMap(Arrays::stream)
                .toList();
    }

    private static String noOption(String name, List<String> known) {
        return "there is no option " + name + meant(name, known);
    }

    private static String meant(String name, Collection<String> known) {
        return Spelling.nearest(name, known)
                .map(meant -> "; did you mean " + meant + "?")
                .orElse("");
    }

    private static String unmatched(UnmatchedArgumentException failure, CommandLine command) {
        String word = failure.getUnmatched().getFirst();
        if (word.startsWith("-")) {
            return noOption(word.replaceFirst("=.*", ""), options(command));
        }
        Collection<String> commands = command.getSubcommands().keySet();
        return commands.isEmpty()
                ? "\"" + word + "\" is one argument too many"
                : "there is no command " + word + meant(word, commands);
    }

    private static String missing(MissingParameterException failure) {
        List<ArgSpec> missing = failure.getMissing();
        if (missing.isEmpty()) {
            return failure.getMessage();
        }
        return missing.stream()
                .map(
                        arg ->
                                arg instanceof OptionSpec option
                                        ? option.longestName() + " " + option.paramLabel()
                                        : arg.paramLabel())
                .collect(
                        Collectors.joining(
                                " and ", "", missing.size() == 1 ? " is missing" : " are missing"));
    }
}
