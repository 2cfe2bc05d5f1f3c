package org.attune.cli.fuzz;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// Feeds broken inputs to everything that reads files, in a child process of little memory, and
/// keeps those that do harm: exceptions other than the project's own, memory or time out of all
/// proportion, a process that dies or hangs. Arguments: seconds, seed, folder for what is found,
/// names of targets.
final class Fuzz {
    /// Longer than any limit of the child's own.
    private static final int SILENCE_SECONDS = 120;

    private final long seed;
    private final Path finds;
    private final Path work;
    private final String targets;
    private final Set<String> seen = new TreeSet<>();
    private long number;
    private String target = "";

    private Fuzz(long seed, Path finds, Path work, String targets) {
        this.seed = seed;
        this.finds = finds;
        this.work = work;
        this.targets = targets;
    }

    public static void main(String[] args) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(Long.parseLong(args[0]));
        Path work = Files.createTempDirectory("attune-fuzz");
        var fuzz =
                new Fuzz(
                        Long.parseLong(args[1]),
                        Path.of(args[2]),
                        work,
                        args.length > 3 ? args[3] : "all");
        while (System.nanoTime() < end) {
            fuzz.oneChild(end);
        }
        delete(work);
        System.out.printf("%d cases, %d distinct finds%n", fuzz.number, fuzz.seen.size());
        System.exit(fuzz.seen.isEmpty() ? 0 : 1);
    }

    /// Deletes a folder and all that is in it.
    static void delete(Path folder) throws IOException {
        try (var paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    private void oneChild(long end) throws Exception {
        Process child = start();
        try (BufferedReader lines = child.inputReader(StandardCharsets.UTF_8)) {
            while (System.nanoTime() < end) {
                String line = next(lines);
                if (line == null) {
                    died(child);
                    return;
                }
                if (line.startsWith("case ")) {
                    String[] words = line.split(" ", 3);
                    number = Long.parseLong(words[1]) + 1;
                    target = words[2];
                } else if (line.startsWith("find ")) {
                    keep(line.substring(5), Files.readString(work.resolve(FuzzChild.REPORT)));
                    child.outputWriter().append("on\n").flush();
                }
            }
        } finally {
            child.destroyForcibly().waitFor();
        }
    }

    private Process start() throws IOException {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.addAll(
                List.of(
                        "-Xmx256m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:MaxDirectMemorySize=128m",
                        "-Djava.awt.headless=true",
                        "--enable-native-access=ALL-UNNAMED",
                        "--sun-misc-unsafe-memory-access=allow",
                        "-cp",
                        System.getProperty("java.class.path"),
                        FuzzChild.class.getName(),
                        work.toString(),
                        Long.toString(seed),
                        Long.toString(number),
                        targets));
        return new ProcessBuilder(command)
                .redirectError(work.resolve("stderr.txt").toFile())
                .start();
    }

    /// The child's next line; null if it has died or is silent for too long.
    private static String next(BufferedReader lines) throws Exception {
        var line =
                CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                return lines.readLine();
                            } catch (IOException e) {
                                return null;
                            }
                        });
        try {
            return line.get(SILENCE_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            return null;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    /// A child ends by itself after some finds; else what it read last has killed it.
    private void died(Process child) throws Exception {
        boolean exited = child.waitFor(1, TimeUnit.SECONDS);
        if (!exited || child.exitValue() != 0) {
            String how = exited ? "process died, " + child.exitValue() : "process hangs";
            keep(how + " in " + target, how + "\n" + Files.readString(work.resolve("stderr.txt")));
        }
    }

    private void keep(String signature, String report) throws IOException {
        if (!seen.add(target + ": " + signature)) {
            return;
        }
        System.out.printf("case %d, %s: %s%n", number - 1, target, signature);
        report.lines().limit(1).forEach(line -> System.out.println("    " + line));
        Path folder = finds.resolve("%03d-%s".formatted(seen.size(), target));
        Path input = work.resolve("input");
        if (Files.exists(input)) {
            Sample.read(input).write(Files.createDirectories(folder));
        }
        Files.createDirectories(folder);
        Files.writeString(
                folder.resolve(FuzzChild.REPORT), target + ": " + signature + "\n" + report);
    }
}
