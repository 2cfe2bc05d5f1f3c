package org.attune.trainers.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.IntStream;

/// Starts a test's program as several processes, which meet by [SocketRanks].
public final class RankProcesses {
    private RankProcesses() {}

    /// Runs them to their end, which has to be a good one.
    ///
    /// @param program whose arguments are the folder, the file by which they meet, rank, number of
    ///     ranks, and others
    /// @param folder of the runs; below it the processes' words are kept
    /// @param more further arguments
    public static void run(Class<?> program, Path folder, int size, List<String> more)
            throws Exception {
        Path output = Files.createTempDirectory(folder, "processes");
        List<Process> processes = new ArrayList<>();
        for (int rank = 0; rank < size; rank++) {
            List<String> command =
                    new ArrayList<>(
                            List.of(
                                    Path.of(System.getProperty("java.home"), "bin", "java")
                                            .toString(),
                                    "--enable-native-access=ALL-UNNAMED",
                                    "--add-modules=jdk.incubator.vector",
                                    "--sun-misc-unsafe-memory-access=allow",
                                    "-XX:+UseSerialGC",
                                    "-XX:TieredStopAtLevel=1",
                                    "-Xmx512m",
                                    "-cp",
                                    System.getProperty("java.class.path"),
                                    program.getName(),
                                    folder.toString(),
                                    output.resolve("meeting").toString(),
                                    "" + rank,
                                    "" + size));
            command.addAll(more);
            var builder =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(output.resolve("rank" + rank + ".txt").toFile());
            builder.environment().put("OMP_NUM_THREADS", "1");
            processes.add(builder.start());
        }
        for (int rank = 0; rank < size; rank++) {
            boolean ended = processes.get(rank).waitFor(10, TimeUnit.MINUTES);
            String said = Files.readString(output.resolve("rank" + rank + ".txt"));
            assertTrue(ended, said);
            assertEquals(0, processes.get(rank).exitValue(), said);
            assertFalse(said.contains("Exception"), said);
        }
    }

    /// Reads what a program is told behind the arguments of [#run].
    ///
    /// @param arguments of the program
    /// @param count words of each order
    /// @param order makes one of its words
    public static <T> List<T> orders(
            String[] arguments, int count, Function<List<String>, T> order) {
        List<String> words = List.of(arguments).subList(4, arguments.length);
        return IntStream.range(0, words.size() / count)
                .mapToObj(i -> order.apply(words.subList(i * count, (i + 1) * count)))
                .toList();
    }
}
