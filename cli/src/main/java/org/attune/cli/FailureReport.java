package org.attune.cli;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.terminal.VisibleText;
import org.attune.error.AttuneException;
import org.attune.error.Secrets;
import org.attune.models.AddressSpace;

import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParseResult;

import java.io.PrintWriter;
import java.io.StringWriter;

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
            err.print(Secrets.masked(stack(failure)));
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
        int code = ExitCodes.of(failure);
        if (command.getCommand() instanceof TrainCommand training) {
            training.endOthers(code);
        }
        return code;
    }

    private static String stack(Exception failure) {
        var text = new StringWriter();
        failure.printStackTrace(new PrintWriter(text));
        return text.toString();
    }

    private static String message(Exception failure, boolean expected) {
        boolean says = expected && failure.getMessage() != null;
        // It may quote a program's or a model's words.
        return VisibleText.ofLines(
                Secrets.masked(says ? failure.getMessage() : failure.toString()));
    }
}
