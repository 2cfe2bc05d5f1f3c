package org.attune.cli.progress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.trainers.loop.RunInfo;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;

class LiveRunTest {
    private final AtomicLong seconds = new AtomicLong();
    private final LiveRun run =
            new LiveRun(() -> Instant.ofEpochSecond(seconds.get()), () -> 1L << 30);

    @Test
    void saysWhatIsGoingOnBetweenLogs() {
        run.phase("load", false);
        seconds.set(2);
        assertEquals("loading model and data  0:02  1.00 GiB", run.text(120));
        run.phase("", false);
        run.start(new RunInfo("grpo", Path.of("out"), 0, 10, 10, 0, 1));
        run.phase("evaluate", true);
        run.phase("rollout", true);
        run.completed(30, 400);
        assertEquals("step 0/10  evaluating  30 of 400  0:00  1.00 GiB", run.text(120));
        run.phase("evaluate", true);
        run.phase("", false);
        run.phase("train", false);
        run.phase("rollout", false);
        run.completed(5, 128);
        seconds.set(5);
        assertEquals("step 1/10  generating  5 of 128  0:03  1.00 GiB", run.text(120));
        run.phase("train", false);
        run.phase("forward", false);
        run.pass(1500);
        assertEquals("step 1/10  training  1,500 tokens  0:00  1.00 GiB", run.text(120));
        run.phase("train", false);
        run.phase("", false);
        seconds.set(12);
        run.step(1, 5000);
        run.phase("train", false);
        seconds.set(13);
        assertEquals("step 2/10  training  0:01  500 tokens/s  ETA 1:29  1.00 GiB", run.text(120));
        assertEquals("step 2/10  training  0:01  ETA 1:29", run.text(40));
        assertEquals("step 2/10  training", run.text(20));
    }

    @Test
    void stepsAreNeverMoreThanThereAre() {
        run.start(new RunInfo("sft", Path.of("out"), 0, 2, 10, 0, 1));
        run.phase("train", false);
        run.phase("", false);
        run.step(1, 10);
        run.phase("save", false);
        assertEquals("step 1/2  saving", run.text(20));
        run.phase("train", false);
        assertEquals("step 2/2  training", run.text(20));
        run.phase("", false);
        run.step(2, 20);
        for (String phase : new String[] {"save", "evaluate", "train"}) {
            run.phase(phase, false);
            assertTrue(run.text(40).startsWith("step 2/2  "), run.text(40));
        }
    }

    @Test
    void timeToGoDoesNotCountEvaluations() {
        run.start(new RunInfo("sft", Path.of("out"), 4, 10, 10, 0, 1));
        run.phase("evaluate", true);
        run.phase("", false);
        seconds.set(100);
        run.phase("train", false);
        run.phase("", false);
        seconds.set(102);
        run.step(5, 10);
        assertEquals("ETA 0:10", run.eta());
    }
}
