package org.attune.error;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

/// The result of a task on another thread.
public final class TaskResult {
    private TaskResult() {}

    /// Waits for it. Unchecked exceptions and errors come out as they are, checked ones as the
    /// cause of an `IllegalStateException`.
    ///
    /// @param meanwhile what happens then, for the message if this thread is interrupted
    public static <T> T of(Future<T> task, String meanwhile) {
        try {
            return get(task);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while " + meanwhile, e);
        }
    }

    /// Waits for a task to its end also when this thread is interrupted, and leaves it interrupted:
    /// for work whose caller would free what the work uses. Exceptions come out as from [#of].
    ///
    /// @param interrupted called at each interruption
    public static <T> T whole(Future<T> task, Runnable interrupted) {
        boolean again = false;
        try {
            while (true) {
                try {
                    return get(task);
                } catch (InterruptedException _) {
                    again = true;
                    interrupted.run();
                }
            }
        } finally {
            if (again) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static <T> T get(Future<T> task) throws InterruptedException {
        try {
            return task.get();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException failure -> throw failure;
                case Error failure -> throw failure;
                default -> throw new IllegalStateException(e.getCause());
            }
        }
    }
}
