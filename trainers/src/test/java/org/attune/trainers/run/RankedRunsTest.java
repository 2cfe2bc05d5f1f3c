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
    private static final String PARTED = "gkd," + SOME;
    private static final String FEW = "ppo,sft of all weights";

    @TempDir private Path folder;

    /// The one job over ranks of the first stage.
    @Test
    void twoProcessesLeaveTheBytesOfOne() throws Exception {
        start(1, new Order("one", 0, SEVERAL, "sft", false));
        start(2, new Order("two", 0, SEVERAL, "sft", false));
        assertSameBytes("one", "two", "sft");
    }

    /// In stage 0, in stage 2, whose bits are those of the other stages where a device computes its
    /// rows at once, and in stage 3, where a rank has no more passes than its rows need and serves
    /// others meanwhile. Processes that are started once make all their runs.
    @Tag("ranks")
    @Test
    void bytesDoNotDependOnTheNumberOfProcesses() throws Exception {
        start(
                1,
                new Order("one", 0, SEVERAL, ALL, false),
                new Order("one in parts", 2, SEVERAL, PARTED, false),
                new Order("whole", 0, ONE, SOME, false));
        start(
                4,
                new Order("four", 0, SEVERAL, ALL, false),
                new Order("four in parts", 2, SEVERAL, SOME, false),
                new Order("four with weights in parts", 3, SEVERAL, PARTED, false));
        assertSameBytes("one", "four", ALL);
        assertSameBytes("one in parts", "four in parts", SOME);
        assertSameBytes("one in parts", "four with weights in parts", PARTED);

        goOn("four", "two", ALL);
        goOn("four in parts", "two in parts", SOME);
        goOn("whole", "whole in two", SOME);
        goOn("four with weights in parts", "two with weights in parts", FEW);
        start(
                2,
                new Order("two", 1, SEVERAL, ALL, true),
                new Order("two in parts", 2, SEVERAL, SOME, true),
                new Order("parted", 2, ONE, SOME, false),
                new Order("whole in two", 2, ONE, SOME, true),
                new Order("two with weights in parts", 3, SEVERAL, FEW, true));
        assertSameBytes("one", "two", ALL);
        assertSameBytes("one in parts", "two in parts", SOME);
        assertSameBytes("whole", "parted", SOME);
        assertSameBytes("whole", "whole in two", SOME);
        assertSameBytes("one in parts", "two with weights in parts", FEW);

        goOn("parted", "whole in one", SOME);
        start(1, new Order("whole in one", 1, ONE, SOME, true));
        assertSameBytes("whole", "whole in one", SOME);
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
