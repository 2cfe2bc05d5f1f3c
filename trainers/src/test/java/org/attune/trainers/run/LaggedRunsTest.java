package org.attune.trainers.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;

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

    @Test
    void bytesDoNotDependOnWhoWritesAndWhoTrains() throws Exception {
        Path one = start("one", 1, 1);
        Path two = start("two", 2, 0);
        assertSameBytes(one, two);
        Path both = start("one and one", 2, 1);
        assertSameBytes(one, both);
        Path three = start("two and one", 3, 1);
        assertSameBytes(one, three);
        assertNotEquals(
                metrics(one, LaggedRuns.GRPO),
                metrics(one, LaggedRuns.NOW),
                "the lag does nothing");

        goesOn(three, "goes on in one", 1, 0, one);
        goesOn(one, "goes on in one and one", 2, 1, one);
    }

    @Test
    void aRoundIsWrittenWhileTheOneBeforeIsLearnedFrom() throws Exception {
        Path output = start("slow", 2, 1, "slowly");
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

    private void goesOn(Path from, String name, int size, int writers, Path like) throws Exception {
        Path output = folder.resolve(name);
        for (String run : LaggedRuns.names()) {
            String place = run + "/checkpoint-" + LaggedRuns.SAVED;
            Files.createDirectories(output.resolve(place));
            try (Stream<Path> files = Files.list(from.resolve(place))) {
                for (Path file : files.toList()) {
                    Files.copy(file, output.resolve(place).resolve(file.getFileName()));
                }
            }
        }
        start(name, size, writers, "resume");
        assertSameBytes(like, output);
    }

    private Path start(String name, int size, int writers, String... more) throws Exception {
        Path output = Files.createDirectories(folder.resolve(name));
        List<String> arguments = new ArrayList<>(List.of("" + writers));
        arguments.addAll(List.of(more));
        RankProcesses.run(LaggedRuns.class, output, size, arguments);
        return output;
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
