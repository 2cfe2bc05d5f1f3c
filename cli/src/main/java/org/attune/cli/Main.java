package org.attune.cli;

import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.SecretWords;
import org.attune.cli.terminal.RankStreams;
import org.attune.files.GivenPath;
import org.attune.models.AddressSpace;
import org.attune.tensor.Engine;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.run.Methods;

import picocli.CommandLine;
import picocli.CommandLine.TypeConversionException;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;

/// Starts the command line. Exit codes: 0 done; 1 failed; 2 the command or the configuration is
/// wrong; 130 stopped by Ctrl-C, with a checkpoint to resume from.
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        Thread.setDefaultUncaughtExceptionHandler((_, failure) -> endIfOutOfMemory(failure));
        RankStreams.apply(System.getenv());
        int code = ExitCodes.FAILED;
        try {
            code = run(args);
        } catch (OutOfMemoryError | LinkageError e) {
            endWithout(e);
        }
        Engine.settle();
        System.exit(code); // the only place that ends the process
    }

    /// A thread that got no memory may be one that others wait for.
    private static void endIfOutOfMemory(Throwable failure) {
        if (failure instanceof OutOfMemoryError) {
            endWithout(failure);
        } else {
            failure.printStackTrace();
        }
    }

    /// At once: what would have to be told that the process ends may need memory for it.
    private static void endWithout(Throwable failure) {
        System.err.println("attune: " + failure);
        System.err.println(AddressSpace.own().hint());
        Runtime.getRuntime().halt(ExitCodes.FAILED);
    }

    /// Runs a command on this process's streams.
    ///
    /// @return the exit code
    public static int run(String... words) {
        String[] args = SecretWords.shown(words, System.getenv());
        return commandLine(
                        new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                        new PrintWriter(System.err, true, StandardCharsets.UTF_8),
                        args)
                .execute(args);
    }

    /// @param args what it will be executed with
    public static CommandLine commandLine(PrintWriter out, PrintWriter err, String... args) {
        return AttuneCommand.line(args)
                .setOut(out)
                .setErr(err)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .registerConverter(Path.class, GivenPath::of)
                .registerConverter(TrainingMethod.class, Main::method)
                .setExecutionStrategy(Preparation::applyAndRun)
                .setExecutionExceptionHandler(new FailureReport())
                .setParameterExceptionHandler(new UsageErrors());
    }

    /// The method of a name.
    ///
    /// @throws TypeConversionException if there is none
    static TrainingMethod<?, ?> method(String name) {
        return Methods.named(name.toLowerCase(Locale.ROOT))
                .orElseThrow(
                        () ->
                                new TypeConversionException(
                                        "expected one of %s but was '%s'"
                                                .formatted(
                                                        Methods.all().stream()
                                                                .map(TrainingMethod::name)
                                                                .toList(),
                                                        name)));
    }
}
