package org.attune.cli;

import org.attune.files.GivenPath;
import org.attune.tensor.Engine;

import picocli.CommandLine;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Starts the command line. Exit codes: 0 done; 1 failed; 2 the command or the configuration is
/// wrong; 130 stopped by Ctrl-C, with a checkpoint to resume from.
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        int code = run(args);
        Engine.settle();
        System.exit(code); // the only place that ends the process
    }

    /// Runs a command on this process's streams.
    ///
    /// @return the exit code
    public static int run(String... args) {
        return commandLine(
                        new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                        new PrintWriter(System.err, true, StandardCharsets.UTF_8),
                        args)
                .execute(args);
    }

    /// @param args what it will be executed with
    static CommandLine commandLine(PrintWriter out, PrintWriter err, String... args) {
        return AttuneCommand.line(args)
                .setOut(out)
                .setErr(err)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .registerConverter(Path.class, GivenPath::of)
                .setExecutionStrategy(Preparation::applyAndRun)
                .setExecutionExceptionHandler(new FailureReport())
                .setParameterExceptionHandler(new UsageErrors());
    }
}
