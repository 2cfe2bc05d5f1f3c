package org.attune.reward;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// The thread that ND4J computes on. ND4J tells OpenMP to use one thread, for whatever thread calls
/// it; on the engine thread that would leave libtorch with one core from then on.
final class ArrayThread {
    private static final ExecutorService THREAD =
            Executors.newSingleThreadExecutor(
                    Thread.ofPlatform().daemon().name("reward-arrays").factory());

    private ArrayThread() {}

    /// Begins work that nobody waits for.
    static void start(Runnable work) {
        THREAD.execute(work);
    }

    /// Runs `work` there and gives its result; unchecked exceptions come out as they are.
    static <T> T call(Callable<T> work) {
        try {
            return THREAD.submit(work).get();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException r -> throw r;
                case Error error -> throw error;
                default -> throw new IllegalStateException(e.getCause());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while rewards were compared", e);
        }
    }
}
