package org.attune.reward;

import org.attune.error.TaskResult;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// The thread that ND4J computes on. ND4J tells OpenMP to use one thread, for whatever thread calls
/// it; on the engine thread that would leave libtorch with one core from then on.
final class ArrayThread {
    private static final ExecutorService THREAD =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().daemon().name("reward-arrays").factory());

    private ArrayThread() {}

    /// Runs `work` there and gives its result; unchecked exceptions come out as they are.
    static <T> T call(Callable<T> work) {
        return TaskResult.of(THREAD.submit(work), "rewards were compared");
    }
}
