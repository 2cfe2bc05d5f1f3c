package org.attune.tensor.vector;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/// Threads that share the items of a loop with the caller. They sleep between loops. Which thread
/// takes which item varies, so items must not depend on each other. For one caller at a time.
final class Team {
    private static final Team INSTANCE = new Team();

    private final List<Worker> workers = new ArrayList<>();
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger busy = new AtomicInteger();

    /// One item of a loop.
    interface Body {
        /// @param thread number of the thread, from 0, below the number asked for
        /// @param item number of the item
        void run(int thread, int item);
    }

    /// A loop at work.
    private static final class Loop {
        final Body body;
        final int items;
        volatile Throwable failure;

        Loop(Body body, int items) {
            this.body = body;
            this.items = items;
        }
    }

    private Team() {}

    /// Runs all items and waits for their end.
    ///
    /// @param threads at most as many, the caller's among them
    static void run(int threads, int items, Body body) {
        if (threads <= 1 || items <= 1) {
            for (int i = 0; i < items; i++) {
                body.run(0, i);
            }
            return;
        }
        INSTANCE.share(Math.min(threads, items), items, body);
    }

    private void share(int threads, int items, Body body) {
        while (workers.size() < threads - 1) {
            var worker = new Worker(workers.size() + 1);
            workers.add(worker);
            worker.start();
        }
        var current = new Loop(body, items);
        next.set(0);
        busy.set(threads - 1);
        for (int i = 0; i < threads - 1; i++) {
            workers.get(i).wake(current);
        }
        work(current, 0);
        while (busy.get() > 0) {
            Thread.onSpinWait();
        }
        switch (current.failure) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable t -> throw new IllegalStateException(t);
        }
    }

    private void work(Loop current, int thread) {
        try {
            for (int i = next.getAndIncrement(); i < current.items; i = next.getAndIncrement()) {
                current.body.run(thread, i);
            }
        } catch (Throwable t) {
            current.failure = t;
            next.set(current.items); // the others need not go on
        }
    }

    private final class Worker extends Thread {
        private final int number;
        private volatile Loop mine;

        Worker(int number) {
            super("attune-vectors-" + number);
            this.number = number;
            setDaemon(true);
        }

        void wake(Loop current) {
            mine = current;
            LockSupport.unpark(this);
        }

        @Override
        public void run() {
            while (true) {
                Loop current = mine;
                if (current == null) {
                    LockSupport.park(this);
                    continue;
                }
                mine = null;
                work(current, number);
                busy.getAndDecrement();
            }
        }
    }
}
