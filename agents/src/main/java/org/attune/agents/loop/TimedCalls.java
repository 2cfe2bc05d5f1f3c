package org.attune.agents.loop;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// Calls into the world, each on its own daemon thread, within a limit of time. One that takes
/// longer is interrupted and left behind: nothing waits for it, and what it gives is dropped. The
/// threads are the system's, since a call that spins would keep others from virtual ones.
final class TimedCalls {
    private TimedCalls() {}

    /// A call under way.
    record Running<T>(FutureTask<T> task, Thread thread, long start, Duration limit) {
        /// Waits for its end.
        ///
        /// @throws TimeoutException if its time is over; then it was interrupted
        /// @throws ExecutionException if it threw
        T await() throws TimeoutException, ExecutionException, InterruptedException {
            long left = limit.toNanos() - (System.nanoTime() - start);
            try {
                return task.get(Math.max(0, left), TimeUnit.NANOSECONDS);
            } catch (TimeoutException | InterruptedException e) {
                task.cancel(true);
                throw e;
            } catch (CancellationException e) {
                throw new ExecutionException(e);
            }
        }
    }

    /// Starts a call, once.
    static <T> Running<T> start(String name, Callable<T> call, Duration limit) {
        var task = new FutureTask<>(call);
        Thread thread = Thread.ofPlatform().daemon().name(name).unstarted(task);
        long start = System.nanoTime();
        thread.start();
        return new Running<>(task, thread, start, limit);
    }
}
