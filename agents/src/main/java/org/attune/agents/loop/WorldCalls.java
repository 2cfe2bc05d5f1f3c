package org.attune.agents.loop;

import org.attune.agents.tool.WorldFailedException;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;

/// Calls the methods of worlds, which may fail or hang.
///
/// @param limit of time of each
record WorldCalls(Duration limit) {
    /// @param what for the message, as `reset of the environment`
    /// @throws WorldFailedException if it threw, or its time is over
    <T> T call(String what, Callable<T> call) throws WorldFailedException, InterruptedException {
        try {
            return TimedCalls.start("world", call, limit).await();
        } catch (TimeoutException e) {
            throw new WorldFailedException(
                    "%s took longer than %d ms".formatted(what, limit.toMillis()), e);
        } catch (ExecutionException e) {
            throw new WorldFailedException(
                    "%s failed: %s".formatted(what, e.getCause()), e.getCause());
        }
    }
}
