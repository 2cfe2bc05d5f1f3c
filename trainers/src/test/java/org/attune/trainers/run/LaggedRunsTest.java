package org.attune.trainers.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.trainers.run.LaggedRuns.Order;
import org.attune.trainers.run.LaggedRuns.Way;
import org.attune.trainers.testing.RankProcesses;
import org.attune.trainers.testing.RunFolders;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
            String checkpoint = run + "/checkpoint-" + LaggedRuns.SAVED;
            RunFolders.copyCheckpoint(folder.resolve(from), folder.resolve(to), checkpoint);
        }
    }

    private void start(int size, Order... orders) throws Exception {
        List<String> more = Stream.of(orders).flatMap(Order::arguments).toList();
        RankProcesses.run(LaggedRuns.class, folder, size, more);
    }

    private static void assertSameBytes(Path one, Path other) throws IOException {
        for (String run : LaggedRuns.names()) {
            RunFolders.assertSame(one, other, run + "/adapter_model.safetensors");
            String last = run + "/checkpoint-" + LaggedRuns.STEPS;
            RunFolders.assertSame(one, other, last + "/optimizer.safetensors");
            String middle = run + "/checkpoint-" + LaggedRuns.SAVED;
            RunFolders.assertSame(one, other, middle + "/rounds-ahead.bin");
            assertEquals(metrics(one, run), metrics(other, run), run);
        }
    }

    private static List<Map<String, Object>> metrics(Path folder, String run) throws IOException {
        return RunFolders.metrics(folder.resolve(run));
    }
}
