package org.attune.trainers.run;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.trainers.run.RankedRuns.Order;
import org.attune.trainers.testing.RankProcesses;
import org.attune.trainers.testing.RunFolders;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
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
            RunFolders.assertSame(one, other, method + "/adapter_model.safetensors");
            String last = method + "/checkpoint-" + RankedRuns.STEPS;
            RunFolders.assertSame(one, other, last + "/optimizer.safetensors");
            assertEquals(metrics(one, method), metrics(other, method), method);
        }
    }

    private static List<String> names(String methods) {
        return new Order("", 0, 0, methods, false).names();
    }

    private static List<Map<String, Object>> metrics(Path folder, String method)
            throws IOException {
        return RunFolders.metrics(folder.resolve(method));
    }

    /// Puts checkpoints where other runs go on.
    private void goOn(String from, String to, String methods) throws IOException {
        for (String method : names(methods)) {
            String checkpoint = method + "/checkpoint-2";
            RunFolders.copyCheckpoint(folder.resolve(from), folder.resolve(to), checkpoint);
        }
    }

    private void start(int size, Order... orders) throws Exception {
        List<String> more = Stream.of(orders).flatMap(Order::arguments).toList();
        RankProcesses.run(RankedRuns.class, folder, size, more);
    }
}
