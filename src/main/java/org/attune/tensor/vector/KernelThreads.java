package org.attune.tensor.vector;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/// Threads that share the items of a loop. Which thread takes which item varies, so items must not
/// depend on each other. For one caller at a time.
///
/// The threads belong to the [Starter] that [#use] names: two sets of threads that wait for work
/// in turn, each spinning while the other works, take the cores away from each other.
public final class KernelThreads {
    private static final AtomicInteger NEXT = new AtomicInteger();
    private static final AtomicInteger THREADS = new AtomicInteger();
    private static Starter starter =
            new Starter() {
                @Override
                public void start(int threads, Runnable work) {
                    work.run();
                }

                @Override
                public int count() {
                    return 1;
                }
            };
    private static boolean hasThreads;

    /// One item of a loop.
    interface Body {
        /// @param thread number of the thread, from 0, below the number asked for
        /// @param item number of the item
        void run(int thread, int item);
    }

    /// Starts loops on threads that it owns.
    public interface Starter {
        /// Runs `work`, which doesn't throw, on the caller's and on other threads at once, and
        /// waits for all.
        ///
        /// @param threads at most as many, ≥ 2
        void start(int threads, Runnable work);

        /// How many threads run the work, asked by one of them.
        int count();
    }

    /// What several threads do together.
    interface Together {
        /// @param thread number of the thread, from 0
        /// @param barrier at which they wait for each other
        void run(int thread, Barrier barrier);
    }

    /// Where threads wait for each other, spinning: for work of microseconds, on threads that have
    /// a core each.
    static final class Barrier {
        private static final int SPINS = 50_000;
        private static final long PAUSE = 1000; // ns

        private final AtomicInteger arrived = new AtomicInteger();
        private final AtomicInteger numbers = new AtomicInteger();
        private volatile int threads;
        private volatile Throwable failure;

        /// Threads that take part.
        int threads() {
            return threads;
        }

        /// Waits until all have come here.
        ///
        /// @param meeting its number, from 1 on
        void meet(int meeting) {
            arrived.incrementAndGet();
            for (int spins = 0; arrived.get() < meeting * threads; spins++) {
                if (failure != null) {
                    throw new IllegalStateException("another thread failed");
                }
                if (spins < SPINS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.parkNanos(PAUSE); // it may have no core
                }
            }
        }
    }

    /// A loop at work.
    private static final class Loop implements Runnable {
        private final Body body;
        private final int items;
        private volatile Throwable failure;

        Loop(Body body, int items) {
            this.body = body;
            this.items = items;
        }

        @Override
        public void run() {
            int thread = THREADS.getAndIncrement();
            try {
                for (int i = NEXT.getAndIncrement(); i < items; i = NEXT.getAndIncrement()) {
                    body.run(thread, i);
                }
            } catch (Throwable t) {
                failure = t;
                NEXT.set(items); // the others need not go on
            }
        }
    }

    private KernelThreads() {}

    /// Runs work on several threads at once, and waits for their end.
    ///
    /// @param threads at most as many, the caller's among them
    static void together(int threads, Together work) {
        var barrier = new Barrier();
        if (threads <= 1 || !hasThreads) {
            barrier.threads = 1;
            work.run(0, barrier);
            return;
        }
        starter.start(
                threads,
                () -> {
                    barrier.threads = starter.count();
                    try {
                        work.run(barrier.numbers.getAndIncrement(), barrier);
                    } catch (Throwable t) {
                        if (barrier.failure == null) {
                            barrier.failure = t;
                        }
                    }
                });
        rethrow(barrier.failure);
    }

    private static void rethrow(Throwable failure) {
        switch (failure) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(failure);
        }
    }

    /// Sets the threads to use; without, the caller does everything.
    public static void use(Starter threads) {
        starter = threads;
        hasThreads = true;
    }

    /// Whether [#use] was called.
    public static boolean hasThreads() {
        return hasThreads;
    }

    /// One row of a matrix.
    interface RowBody {
        /// @param thread as in [Body]
        /// @param row its number
        void run(int thread, int row);
    }

    /// Runs the rows of a matrix, some at a time.
    ///
    /// @param chunk rows that a thread takes at once
    static void rows(int threads, int count, int chunk, RowBody body) {
        run(
                threads,
                (count + chunk - 1) / chunk,
                (thread, item) -> {
                    int end = Math.min(count, (item + 1) * chunk);
                    for (int row = item * chunk; row < end; row++) {
                        body.run(thread, row);
                    }
                });
    }

    /// Some of many numbers.
    interface RangeBody {
        /// @param from number of the first
        /// @param count as many
        void run(long from, int count);
    }

    /// Runs over numbers, some at a time.
    ///
    /// @param chunk numbers that a thread takes at once
    static void ranges(int threads, long count, int chunk, RangeBody body) {
        run(
                threads,
                Math.toIntExact((count + chunk - 1) / chunk),
                (_, item) -> {
                    long from = (long) item * chunk;
                    body.run(from, (int) Math.min(chunk, count - from));
                });
    }

    /// Runs all items and waits for their end.
    ///
    /// @param threads at most as many, the caller's among them
    static void run(int threads, int items, Body body) {
        if (threads <= 1 || items <= 1 || !hasThreads) {
            for (int i = 0; i < items; i++) {
                body.run(0, i);
            }
            return;
        }
        var loop = new Loop(body, items);
        NEXT.set(0);
        THREADS.set(0);
        starter.start(threads, loop);
        rethrow(loop.failure);
    }
}
