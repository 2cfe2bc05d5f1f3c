package org.attune.trainers.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.trainers.run.LaggedRuns.Order;
import org.attune.trainers.run.LaggedRuns.Way;
import org.attune.trainers.testing.RankProcesses;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Runs whose rounds are written ahead leave the same bytes with any processes that write and
/// train, and also where others go on.
@Tag("ranks")
class LaggedRunsTest {
    @TempDir private Path folder;

    /// Processes that are started once make all their runs.
    @Test
    void bytesDoNotDependOnWhoWritesAndWhoTrains() throws Exception {
        start(1, new Order("one", 1, Way.FROM_THE_START));
        start(3, new Order("two and one", 1, Way.FROM_THE_START));
        copyCheckpoints("one", "goes on in one and one");
        copyCheckpoints("two and one", "goes on in one");
        start(
                2,
                new Order("two", 0, Way.FROM_THE_START),
                new Order("one and one", 1, Way.FROM_THE_START),
                new Order("goes on in one and one", 1, Way.GOES_ON),
                new Order("slow", 1, Way.SLOWLY));
        start(1, new Order("goes on in one", 0, Way.GOES_ON));
        for (String other :
                List.of(
                        "two",
                        "one and one",
                        "two and one",
                        "goes on in one",
                        "goes on in one and one")) {
            assertSameBytes(folder.resolve("one"), folder.resolve(other));
        }
        assertNotEquals(
                metrics(folder.resolve("one"), LaggedRuns.GRPO),
                metrics(folder.resolve("one"), LaggedRuns.NOW),
                "the lag does nothing");
        assertWritesWhileItTrains(folder.resolve("slow"));
    }

    private static void assertWritesWhileItTrains(Path output) throws IOException {
        Map<String, long[]> spans = new HashMap<>();
        for (String line :
                Files.readAllLines(output.resolve(LaggedRuns.GRPO).resolve(LaggedRuns.CLOCK))) {
            String[] words = line.split(" ", -1);
            long[] span = {Long.parseLong(words[2]), Long.parseLong(words[3])};
            spans.merge(
                    words[0] + words[1],
                    span,
                    (a, b) -> new long[] {Math.min(a[0], b[0]), Math.max(a[1], b[1])});
        }
        int atOnce = 0; // of one that is slow to start
        for (int round = 0; round + 1 < LaggedRuns.STEPS; round++) {
            long[] trained = spans.get("trained" + round);
            long[] next = spans.get("written" + (round + 1));
            atOnce += next[0] < trained[1] && trained[0] < next[1] ? 1 : 0;
        }
        assertTrue(atOnce > 0, "no round was written while the one before was learned from");
        String logged = Files.readString(output.resolve(LaggedRuns.GRPO + "/metrics.jsonl"));
        assertTrue(logged.contains("ranks/rollout_wait_seconds"), logged);
    }

    private void copyCheckpoints(String from, String to) throws IOException {
        for (String run : LaggedRuns.names()) {
            String place = run + "/checkpoint-" + LaggedRuns.SAVED;
            Path target = Files.createDirectories(folder.resolve(to).resolve(place));
            try (Stream<Path> files = Files.list(folder.resolve(from).resolve(place))) {
                for (Path file : files.toList()) {
                    Files.copy(file, target.resolve(file.getFileName()));
                }
            }
        }
    }

    private void start(int size, Order... orders) throws Exception {
        List<String> more = Stream.of(orders).flatMap(Order::arguments).toList();
        RankProcesses.run(LaggedRuns.class, folder, size, more);
    }

    private static void assertSameBytes(Path one, Path other) throws IOException {
        for (String run : LaggedRuns.names()) {
            assertSame(one, other, run + "/adapter_model.safetensors");
            String last = run + "/checkpoint-" + LaggedRuns.STEPS;
            assertSame(one, other, last + "/optimizer.safetensors");
            String middle = run + "/checkpoint-" + LaggedRuns.SAVED;
            assertSame(one, other, middle + "/rounds-ahead.bin");
            assertEquals(metrics(one, run), metrics(other, run), run);
        }
    }

    private static void assertSame(Path one, Path other, String file) throws IOException {
        assertArrayEquals(
                Files.readAllBytes(one.resolve(file)),
                Files.readAllBytes(other.resolve(file)),
                file);
    }

    /// What was logged, without times and without what is told of several processes only.
    private static List<Map<String, Object>> metrics(Path folder, String run) throws IOException {
        List<Map<String, Object>> all = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve(run).resolve("metrics.jsonl"))) {
            Map<String, Object> entry =
                    new ObjectMapper().readValue(line, new TypeReference<>() {});
            entry.keySet().removeIf(key -> key.matches("ranks/.*|.*time.*|.*second.*"));
            all.add(entry);
        }
        assertTrue(all.toString().contains("grad_norm"), all.toString());
        return all;
    }
}
