package org.attune.tensor;

import java.util.concurrent.atomic.AtomicInteger;

/// What goes on beside the engine while a run starts, on its own threads: rows are read, kernels
/// compiled. Each wants a core.
public final class SideWork {
    private static final AtomicInteger RUNNING = new AtomicInteger();

    private SideWork() {}

    /// Starts a thread that doesn't keep the process from ending.
    public static void start(String name, Runnable work) {
        RUNNING.incrementAndGet();
        var thread =
                new Thread(
                        () -> {
                            try {
                                work.run();
                            } finally {
                                RUNNING.decrementAndGet();
                            }
                        },
                        name);
        thread.setDaemon(true);
        thread.start();
    }

    static boolean isRunning() {
        return RUNNING.get() > 0;
    }
}
