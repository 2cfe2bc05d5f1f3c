package org.attune.trainers.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// One, two and four processes leave the same bytes, also where a run of one goes on in another
/// number and cuts the optimizer's state over them.
class RankedRunsTest {
    @TempDir private Path folder;

    @Test
    void bytesDoNotDependOnTheNumberOfProcesses() throws Exception {
        Path one = Files.createDirectory(folder.resolve("one"));
        start(one, 1, 0, "");
        Path four = Files.createDirectory(folder.resolve("four"));
        start(four, 4, 0, "");
        assertSameBytes(one, four);

        Path goesOn = Files.createDirectory(folder.resolve("two"));
        copyCheckpoints(four, goesOn);
        start(goesOn, 2, 1, "resume");
        assertSameBytes(one, goesOn);
    }

    private static void assertSameBytes(Path one, Path other) throws IOException {
        for (String method : RankedRuns.methods().keySet()) {
            assertSame(one, other, method, "adapter_model.safetensors");
            String last = "checkpoint-" + RankedRuns.STEPS;
            assertSame(one, other, method, last + "/optimizer.safetensors");
            assertEquals(metrics(one, method), metrics(other, method), method);
        }
    }

    private static void assertSame(Path one, Path other, String method, String file)
            throws IOException {
        assertArrayEquals(
                Files.readAllBytes(one.resolve(method).resolve(file)),
                Files.readAllBytes(other.resolve(method).resolve(file)),
                method + "/" + file);
    }

    /// What was logged, without times and without what is told of several processes only.
    private static List<Map<String, Object>> metrics(Path folder, String method)
            throws IOException {
        List<Map<String, Object>> all = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve(method).resolve("metrics.jsonl"))) {
            Map<String, Object> entry =
                    new ObjectMapper().readValue(line, new TypeReference<>() {});
            entry.keySet()
                    .removeIf(
                            key ->
                                    key.startsWith("ranks/")
                                            || key.contains("time")
                                            || key.contains("second"));
            all.add(entry);
        }
        assertTrue(all.toString().contains("grad_norm"), all.toString());
        return all;
    }

    private static void copyCheckpoints(Path from, Path to) throws IOException {
        for (String method : RankedRuns.methods().keySet()) {
            Path checkpoint = from.resolve(method).resolve("checkpoint-2");
            Path target = to.resolve(method).resolve("checkpoint-2");
            Files.createDirectories(target);
            try (Stream<Path> files = Files.list(checkpoint)) {
                for (Path file : files.toList()) {
                    Files.copy(file, target.resolve(file.getFileName()));
                }
            }
        }
    }

    private static void start(Path output, int size, int stage, String resume) throws Exception {
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
                                    RankedRuns.class.getName(),
                                    output.toString(),
                                    "" + rank,
                                    "" + size,
                                    "" + stage));
            if (!resume.isEmpty()) {
                command.add(resume);
            }
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
}
