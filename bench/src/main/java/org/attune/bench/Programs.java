package org.attune.bench;

import org.attune.error.AttuneException;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Starts other processes and waits for them.
final class Programs {
    private static final int SHOWN_LINES = 15;

    /// Names the file of loaded classes that training commands leave for later starts; the launcher
    /// sets it.
    private static final String ARCHIVE = "attune.archive";

    private Programs() {}

    /// The beginning of a command line that starts this JVM again: the same executable, options and
    /// class path.
    static List<String> thisJvm() {
        List<String> command = new ArrayList<>();
        command.add(
                ProcessHandle.current()
                        .info()
                        .command()
                        .orElse(
                                Path.of(System.getProperty("java.home"), "bin", "java")
                                        .toString()));
        for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            // An agent or debugger would write to the same files, or wait on the same port.
            if (!option.startsWith("-agent") && !option.startsWith("-javaagent")) {
                command.add(option);
            }
        }
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        return command;
    }

    /// The command for a process that trains, as such a command would be started: with the classes
    /// that an earlier one left, or to leave them.
    static List<String> thisJvmToTrain() {
        return toTrain(thisJvm(), System.getProperty(ARCHIVE));
    }

    /// @param archive null: there can be none
    static List<String> toTrain(List<String> jvm, String archive) {
        List<String> command = new ArrayList<>(jvm);
        if (archive != null) {
            String file = "-XX:SharedArchiveFile=";
            command.removeIf(option -> option.startsWith(file));
            command.addAll(1, List.of("-XX:+AutoCreateSharedArchive", "-Xlog:disable"));
            command.add(1, file + archive);
        }
        return command;
    }

    /// Runs a command and waits; its output goes into a file. The process is ended if this one is.
    ///
    /// @param prepare changes how it starts, e.g. its environment
    /// @return what it printed
    /// @throws AttuneException with the end of the output, if it fails
    static String run(List<String> command, Path log, Consumer<ProcessBuilder> prepare) {
        var builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        prepare.accept(builder);
        try {
            Process process = builder.start();
            var stop = new Thread(process::destroy, "bench-stop");
            Runtime.getRuntime().addShutdownHook(stop);
            try {
                int code = process.waitFor();
                String output = Files.readString(log);
                if (code != 0) {
                    throw new AttuneException(
                            "%s ended with code %d:\n%s"
                                    .formatted(command.getFirst(), code, tail(output)));
                }
                return output;
            } finally {
                process.destroy();
                removeHook(stop);
            }
        } catch (IOException e) {
            throw new AttuneException(
                    "%s can't be started: %s".formatted(command.getFirst(), e.getMessage()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AttuneException("interrupted while " + command.getFirst() + " ran", e);
        }
    }

    private static void removeHook(Thread stop) {
        try {
            Runtime.getRuntime().removeShutdownHook(stop);
        } catch (IllegalStateException e) {
            // this process is ending, and the hook is running
        }
    }

    private static String tail(String output) {
        List<String> lines = output.lines().toList();
        return String.join(
                "\n", lines.subList(Math.max(0, lines.size() - SHOWN_LINES), lines.size()));
    }

    /// What a short command prints, e.g. a version; empty if it fails.
    static String line(Path folder, String... command) {
        try {
            Process process =
                    new ProcessBuilder(command)
                            .directory(folder.toFile())
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            String text =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                            .strip();
            return process.waitFor() == 0 ? text : "";
        } catch (IOException e) {
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }
}
