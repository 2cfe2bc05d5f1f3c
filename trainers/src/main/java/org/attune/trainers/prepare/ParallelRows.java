package org.attune.trainers.prepare;

import org.attune.error.StopRequest;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/// Maps rows on a bounded number of threads; results keep the rows' order.
final class ParallelRows {
    private static final int CHUNK = 64;

    private ParallelRows() {}

    /// Takes the rows out of their list: each can be collected as soon as its result is there.
    ///
    /// @param rows can be changed; empty afterwards
    /// @param threads how many at most, ≥ 1
    /// @throws org.attune.error.StoppedException if the run is stopped meanwhile
    /// @throws RuntimeException what `function` threw for the first row that failed
    static <T, R> List<R> map(List<T> rows, int threads, Function<T, R> function) {
        BooleanSupplier asked = StopRequest.current();
        Function<T, R> stoppable =
                row -> {
                    StopRequest.check(asked);
                    return function.apply(row);
                };
        var results = new ArrayList<R>(rows.size());
        if (threads == 1 || rows.size() <= CHUNK) {
            for (int i = 0; i < rows.size(); i++) {
                results.add(stoppable.apply(rows.set(i, null)));
            }
            rows.clear();
            return results;
        }
        try (var pool = Executors.newFixedThreadPool(threads, ParallelRows::thread)) {
            try {
                for (Future<List<R>> chunk : submitted(rows, pool, stoppable)) {
                    results.addAll(chunk.get());
                }
                return results;
            } catch (ExecutionException e) {
                pool.shutdownNow();
                throw e.getCause() instanceof RuntimeException failure
                        ? failure
                        : new IllegalStateException(e.getCause());
            } catch (InterruptedException e) {
                pool.shutdownNow();
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while rows were tokenised", e);
            }
        }
    }

    /// A task lets go of its rows when it is done.
    private static <T, R> List<Future<List<R>>> submitted(
            List<T> rows, ExecutorService pool, Function<T, R> function) {
        var tasks = new ArrayList<Callable<List<R>>>();
        for (int start = 0; start < rows.size(); start += CHUNK) {
            List<T> chunk = List.copyOf(rows.subList(start, Math.min(rows.size(), start + CHUNK)));
            tasks.add(() -> chunk.stream().map(function).toList());
        }
        rows.clear();
        List<Future<List<R>>> futures = new ArrayList<>(tasks.size());
        tasks.forEach(task -> futures.add(pool.submit(task)));
        return futures;
    }

    private static Thread thread(Runnable task) {
        var thread = new Thread(task, "attune-rows");
        thread.setDaemon(true);
        return thread;
    }
}
