package org.attune.cli.serve;

import org.attune.serve.ApiException;
import org.attune.trainers.service.AdapterTraining;

import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;

/// An adapter that a client trains. Requests are done one after the other, by the numbers that
/// clients give them, whatever the order in which they arrive. Thread-safe.
final class TinkerRun implements AutoCloseable {
    private static final int MOST_WAITING = 1000;
    private static final long MOST_BYTES = 256L << 20; // of all runs together
    private static final AtomicLong WAITING = new AtomicLong();

    private final String id;
    private final String session;
    private final AdapterTraining training;
    private final AdapterTraining.Lora lora;
    private final TreeMap<Long, Job> waiting = new TreeMap<>();
    private final Thread worker;
    private long next = 1;
    private boolean closed;
    private boolean working;

    private record Job(TinkerFutures.Entry entry, Callable<TinkerReply> work, long bytes) {}

    /// @param training closed with the run
    TinkerRun(String id, String session, AdapterTraining training, AdapterTraining.Lora lora) {
        this.id = id;
        this.session = session;
        this.training = training;
        this.lora = lora;
        worker = Thread.ofVirtual().name("attune-" + id).start(this::work);
    }

    String id() {
        return id;
    }

    String session() {
        return session;
    }

    AdapterTraining training() {
        return training;
    }

    AdapterTraining.Lora lora() {
        return lora;
    }

    /// The number that a request has: its own, or the next one that is free.
    synchronized long number(OptionalLong given) {
        return given.orElseGet(() -> waiting.isEmpty() ? next : waiting.lastKey() + 1);
    }

    /// Takes work up.
    ///
    /// @param bytes that it holds while it waits
    /// @param entry takes the result
    /// @throws ApiException if too much waits, or the run has ended
    synchronized void submit(
            long number, long bytes, TinkerFutures.Entry entry, Callable<TinkerReply> work) {
        if (closed) {
            throw new ApiException(404, "not_found", "the training %s has ended".formatted(id));
        }
        // What comes next can't wait for what waits for it.
        boolean full = waiting.size() >= MOST_WAITING || WAITING.get() + bytes > MOST_BYTES;
        if (full && number != next) {
            throw new ApiException(
                    429, "too_many_requests", "too much of this training waits; come back later");
        }
        if (number < next || waiting.containsKey(number)) {
            throw new ApiException(
                    409,
                    "conflict",
                    "\"seq_id\" is %d, which has come before; the next is %d"
                            .formatted(number, next));
        }
        WAITING.addAndGet(bytes);
        waiting.put(number, new Job(entry, work, bytes));
        notifyAll();
    }

    private void work() {
        try {
            for (Job job = take(); job != null; job = take()) {
                try {
                    job.entry().run(job.work());
                } finally {
                    WAITING.addAndGet(-job.bytes());
                    done();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized Job take() throws InterruptedException {
        while (!closed && !waiting.containsKey(next)) {
            wait();
        }
        if (closed) {
            return null;
        }
        working = true;
        return waiting.remove(next++);
    }

    /// Whether something is being done.
    synchronized boolean isWorking() {
        return working;
    }

    private synchronized void done() {
        working = false;
        notifyAll();
    }

    /// Ends the training when what is under way is done; what waits is given up.
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            for (Job job : waiting.values()) {
                WAITING.addAndGet(-job.bytes());
                job.entry().end(new TinkerReply.Failed("the training has ended", false));
            }
            waiting.clear();
            notifyAll();
            boolean interrupted = false;
            while (working && Thread.currentThread() != worker) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        training.close();
    }
}
