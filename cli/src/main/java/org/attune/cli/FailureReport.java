package org.attune.cli;

import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.models.AddressSpace;

import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParseResult;

import java.io.PrintWriter;

/// Says what went wrong: the message alone for what a user can act on, the place in the program
/// too with `--stacktrace`.
final class FailureReport implements IExecutionExceptionHandler {
    @Override
    public int handleExecutionException(Exception failure, CommandLine command, ParseResult p) {
        PrintWriter err = command.getErr();
        CommonOptions options = Preparation.options(command);
        boolean stacktrace = options != null && options.stacktrace;
        boolean expected = failure instanceof AttuneException;
        err.println(command.getColorScheme().errorText("attune: " + message(failure, expected)));
        if (stacktrace) {
            failure.printStackTrace(err);
        } else if (!expected) {
            String limit = AddressSpace.own().hint();
            err.println(
                    limit.isEmpty()
                            ? "This is a fault in Attune; --stacktrace shows where."
                            : limit
                                    + " If that isn't it, this is a fault in Attune; --stacktrace"
                                    + " shows where.");
        }
        err.flush();
        int code = failure instanceof ConfigException ? ExitCodes.USAGE : ExitCodes.FAILED;
        if (command.getCommand() instanceof TrainCommand training) {
            training.endOthers(code);
        }
        return code;
    }

    private static String message(Exception failure, boolean expected) {
        boolean says = expected && failure.getMessage() != null;
        // It may quote a program's or a model's words.
        return VisibleText.ofLines(says ? failure.getMessage() : failure.toString());
    }
}
