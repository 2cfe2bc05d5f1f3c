package org.attune.reward;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// Runs calls on a bounded number of daemon threads. A call that takes too long is given up: its
/// thread is interrupted and left behind, and another thread takes its place, so that hanging
/// calls never fill the pool. Nothing waits for a thread that was left behind.
final class CallPool implements AutoCloseable {
    /// Something to run. Exactly one of [#run] and [#giveUp] decides its result.
    interface Call {
        /// Runs to its end and keeps the result, unless the call was given up meanwhile. Throws
        /// nothing.
        void run();

        /// How long it may run.
        Duration timeout();

        /// Called from another thread when the time is over.
        ///
        /// @return false if the call had ended just before
        boolean giveUp();
    }

    private final int size;
    private final ScheduledThreadPoolExecutor watchdog;
    private final Object lock = new Object();
    private final ArrayDeque<Supplier<Call>> queue = new ArrayDeque<>();
    private final Set<Worker> workers = new HashSet<>();
    private int idle;
    private int started;
    private boolean closed;

    /// @param size threads at work at once
    CallPool(int size) {
        this.size = size;
        this.watchdog =
                new ScheduledThreadPoolExecutor(
                        1,
                        task ->
                                Thread.ofPlatform()
                                        .daemon()
                                        .name("reward-watchdog")
                                        .unstarted(task));
        watchdog.setRemoveOnCancelPolicy(true);
    }

    /// Queues a call. The supplier is asked on a thread of the pool, when the call can start; null
    /// means there is nothing left to do.
    ///
    /// @return false if the pool is closed
    boolean submit(Supplier<Call> call) {
        synchronized (lock) {
            if (closed) {
                return false;
            }
            queue.add(call);
            if (queue.size() > idle && workers.size() < size) {
                startWorker();
            } else {
                lock.notify();
            }
            return true;
        }
    }

    private void startWorker() {
        var worker = new Worker();
        workers.add(worker);
        worker.thread = Thread.ofPlatform().daemon().name("reward-" + ++started).unstarted(worker);
        worker.thread.start();
    }

    private void expire(Worker worker, Call call) {
        if (!call.giveUp()) {
            return;
        }
        synchronized (lock) {
            workers.remove(worker);
            worker.thread.interrupt();
            if (!closed) {
                startWorker();
            }
        }
    }

    /// Forgets what is queued and interrupts what runs. Waits for nothing.
    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            queue.clear();
            for (Worker worker : workers) {
                worker.thread.interrupt();
            }
            workers.clear();
            lock.notifyAll();
        }
        watchdog.shutdownNow();
    }

    private final class Worker implements Runnable {
        private Thread thread;

        @Override
        public void run() {
            Supplier<Call> next;
            while ((next = take()) != null) {
                Call call = next.get();
                if (call == null) {
                    continue;
                }
                ScheduledFuture<?> timer = startTimer(call);
                if (timer == null) {
                    return;
                }
                Thread.interrupted(); // what an earlier function may have left
                call.run();
                timer.cancel(false);
            }
        }

        /// Null once the pool is closed.
        private ScheduledFuture<?> startTimer(Call call) {
            synchronized (lock) {
                return closed
                        ? null
                        : watchdog.schedule(
                                () -> expire(this, call),
                                call.timeout().toNanos(),
                                TimeUnit.NANOSECONDS);
            }
        }

        /// The next in the queue, or null if this thread is to end.
        private Supplier<Call> take() {
            synchronized (lock) {
                while (workers.contains(this)) {
                    Supplier<Call> next = queue.poll();
                    if (next != null) {
                        return next;
                    }
                    idle++;
                    try {
                        lock.wait();
                    } catch (InterruptedException e) {
                        // The pool closes, or a function left the flag set: the loop looks which.
                    } finally {
                        idle--;
                    }
                }
                return null;
            }
        }
    }
}
