package org.attune.ranks.mpi;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.testing.MpiRun;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Pattern;

/// Whatever happens to a rank, the job ends by itself, says whose fault it was and leaves no
/// process behind.
@Tag("ranks")
final class RankFailureTest {
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    @TempDir Path folder;

    /// @return what the job said
    private String run(String way, int limitSeconds) throws IOException, InterruptedException {
        Process job =
                MpiRun.of(3)
                        .start(FailingRank.class, way, "20", "" + limitSeconds, folder.toString());
        MpiRun.Result result = MpiRun.await(job, PATIENCE);
        System.out.printf("%s: exit code %d%n%s%n", way, result.exitCode(), result.output());
        assertNotEquals(0, result.exitCode());
        assertGone();
        return result.output();
    }

    private void assertGone() throws IOException, InterruptedException {
        for (int rank = 0; rank < 3; rank++) {
            long pid = Long.parseLong(Files.readString(folder.resolve("pid-" + rank)));
            for (int tries = 0; tries < 100 && isThere(pid); tries++) {
                Thread.sleep(100);
            }
            assertFalse(isThere(pid), "process " + pid + " is still there");
        }
    }

    private static boolean isThere(long pid) {
        return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
    }

    @Test
    void killedRankEndsTheJob() throws IOException, InterruptedException {
        String output = run("kill", 600);
        assertTrue(Pattern.compile("rank 2 .* signal 9").matcher(output).find(), output);
    }

    @Test
    void stoppedRankIsNamed() throws IOException, InterruptedException {
        String output = run("stop", 4);
        assertTrue(output.contains("ddp_timeout is 4) in step 20, gradients."), output);
        assertTrue(Pattern.compile("rank 2 on \\S+ hasn't come").matcher(output).find(), output);
        assertTrue(Pattern.compile("rank [01] on \\S+ waits too").matcher(output).find(), output);
    }

    @Test
    void exceptionOfOneRankEndsAll() throws IOException, InterruptedException {
        String output = run("throw", 600);
        String message = "rank 2 on \\S+: thrown on purpose";
        assertTrue(Pattern.compile(message).matcher(output).find(), output);
    }

    @Test
    void otherDataOnOneRankIsRefused() throws IOException, InterruptedException {
        String output = run("data", 600);
        String message = "rank 2 on \\S+ has data: train.jsonl 9a8b, rank 0 on \\S+ has 1f2e";
        assertTrue(Pattern.compile(message).matcher(output).find(), output);
    }
}
