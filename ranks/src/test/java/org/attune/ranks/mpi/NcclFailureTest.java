package org.attune.ranks.mpi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.testing.MpiRun;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Pattern;

/// What becomes of a call between simulated GPUs when the other rank doesn't do its part.
@Tag("ranks")
final class NcclFailureTest {
    @TempDir Path folder;

    private String run(String way, int limitSeconds) {
        Process job =
                MpiRun.of(2).start(FailingGpu.class, way, "" + limitSeconds, folder.toString());
        MpiRun.Result result = MpiRun.await(job, Duration.ofMinutes(2));
        System.out.println(result.output());
        assertEquals(75, result.exitCode());
        return result.output();
    }

    private static void assertSays(String output, String expected) {
        assertTrue(Pattern.compile(expected).matcher(output).find(), output);
    }

    @Test
    void anotherSizeIsNamedBeforeAGpuWaits() {
        String output = run("sizes", 600);
        assertSays(
                output,
                "FAILED 0: gradients: rank 1 on \\S+ has 79996 bytes, rank 0 on \\S+ has 80000\\."
                        + " Ranks must have as many");
        assertSays(output, "THEN weights: a call between ranks has failed before");
    }

    @Test
    void aGpuThatDoesNotComeIsGivenUpAfterTheLimit() {
        String output = run("late", 2);
        assertSays(output, "waited \\d+ s \\(ddp_timeout is 2\\) in step 3, gradients\\.");
        assertSays(
                output,
                "FAILED 0: gradients failed \\(step 3, gradients\\) on rank 0 on \\S+ of 2:"
                        + " ncclCommAbort has ended the work between GPUs");
    }

    /// The reason in brackets is the stub's: an end, a reset or a broken pipe.
    @Test
    void aGpuThatHasGoneIsToldByNccl() {
        assertSays(
                run("gone", 600),
                "FAILED 0: gradients failed \\(step 3, gradients\\) on rank 0 on \\S+ of 2: work"
                        + " between GPUs failed: remote process exited"
                        + " \\(.+\\)");
    }
}
