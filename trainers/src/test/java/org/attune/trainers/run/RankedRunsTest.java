package org.attune.trainers.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.trainers.run.RankedRuns.Order;
import org.attune.trainers.testing.RankProcesses;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// One, two and four processes leave the same bytes, also where a run of one goes on in another
/// number and cuts over them what is kept.
class RankedRunsTest {
    /// Tokens of a pass with which a device has several in a step.
    private static final int SEVERAL = 40;

    /// With which it has one.
    private static final int ONE = 4000;

    private static final String ALL = String.join(",", RankedRuns.methods().keySet());
    private static final String SOME = "dpo,grpo,ppo,ppo_head,sft,sft of all weights";

    @TempDir private Path folder;

    /// The one job over ranks of the first stage.
    @Test
    void twoProcessesLeaveTheBytesOfOne() throws Exception {
        start(1, new Order("one", 0, SEVERAL, "sft", false));
        start(2, new Order("two", 0, SEVERAL, "sft", false));
        assertSameBytes("one", "two", "sft");
    }

    @Tag("ranks")
    @Test
    void bytesDoNotDependOnTheNumberOfProcesses() throws Exception {
        start(1, new Order("one", 0, SEVERAL, ALL, false));
        start(4, new Order("four", 0, SEVERAL, ALL, false));
        assertSameBytes("one", "four", ALL);
        goOn("four", "two", ALL);
        start(2, new Order("two", 1, SEVERAL, ALL, true));
        assertSameBytes("one", "two", ALL);
    }

    /// Where a device computes its rows at once, stage 2 has the bits of the other stages.
    @Tag("ranks")
    @Test
    void gradientsInPartsHaveTheSameBitsToo() throws Exception {
        start(
                1,
                new Order("one", 2, SEVERAL, SOME, false),
                new Order("whole", 0, ONE, SOME, false));
        start(4, new Order("four", 2, SEVERAL, SOME, false));
        assertSameBytes("one", "four", SOME);
        goOn("four", "two", SOME);
        goOn("whole", "on two", SOME);
        start(
                2,
                new Order("two", 2, SEVERAL, SOME, true),
                new Order("parted", 2, ONE, SOME, false),
                new Order("on two", 2, ONE, SOME, true));
        assertSameBytes("one", "two", SOME);
        assertSameBytes("whole", "parted", SOME);
        assertSameBytes("whole", "on two", SOME);
        goOn("parted", "on one", SOME);
        start(1, new Order("on one", 1, ONE, SOME, true));
        assertSameBytes("whole", "on one", SOME);
    }

    /// A rank has no more passes than its rows need, and serves others meanwhile.
    @Tag("ranks")
    @Test
    void weightsInPartsHaveTheBitsOfStageTwo() throws Exception {
        String methods = "dpo,gkd,grpo,ppo,ppo_head,sft,sft of all weights";
        start(1, new Order("one", 2, SEVERAL, methods, false));
        start(4, new Order("four", 3, SEVERAL, methods, false));
        assertSameBytes("one", "four", methods);
        String few = "ppo,sft of all weights";
        goOn("four", "two", few);
        start(2, new Order("two", 3, SEVERAL, few, true));
        assertSameBytes("one", "two", few);
    }

    private void assertSameBytes(String here, String there, String methods) throws IOException {
        Path one = folder.resolve(here);
        Path other = folder.resolve(there);
        for (String method : names(methods)) {
            assertSame(one, other, method, "adapter_model.safetensors");
            String last = "checkpoint-" + RankedRuns.STEPS;
            assertSame(one, other, method, last + "/optimizer.safetensors");
            assertEquals(metrics(one, method), metrics(other, method), method);
        }
    }

    private static List<String> names(String methods) {
        return new Order("", 0, 0, methods, false).names();
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

    /// Puts a run's checkpoint where another one goes on.
    private void goOn(String from, String to, String methods) throws IOException {
        for (String method : names(methods)) {
            Path checkpoint = folder.resolve(from).resolve(method).resolve("checkpoint-2");
            Path target = folder.resolve(to).resolve(method).resolve("checkpoint-2");
            Files.createDirectories(target);
            try (Stream<Path> files = Files.list(checkpoint)) {
                for (Path file : files.toList()) {
                    Files.copy(file, target.resolve(file.getFileName()));
                }
            }
        }
    }

    private void start(int size, Order... orders) throws Exception {
        List<String> more = Stream.of(orders).flatMap(Order::arguments).toList();
        RankProcesses.run(RankedRuns.class, folder, size, more);
    }
}
