package org.attune.cli.serve;

import org.attune.error.AttuneException;
import org.attune.serve.ApiException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Results that clients fetch when they are there. They may be fetched again for a while, since an
/// answer may be lost on its way. Thread-safe.
final class TinkerFutures {
    private static final Logger LOG = LoggerFactory.getLogger(TinkerFutures.class);
    private static final int MOST = 20_000;

    private final Map<String, Entry> all = new LinkedHashMap<>(); // the oldest first
    private final Duration kept;

    /// A result, or what will have one.
    static final class Entry {
        private final CountDownLatch done = new CountDownLatch(1);
        private volatile TinkerReply reply;
        private volatile long doneAt;

        /// Does the work that gives the result.
        void run(Callable<TinkerReply> work) {
            TinkerReply result;
            try {
                result = work.call();
            } catch (AttuneException e) {
                result = new TinkerReply.Failed(e.getMessage(), false);
            } catch (Exception e) {
                LOG.warn("a request of a training could not be done", e);
                result = new TinkerReply.Failed("the request failed; see the server's log", true);
            }
            end(result);
        }

        void end(TinkerReply result) {
            reply = result;
            doneAt = System.nanoTime();
            done.countDown();
        }
    }

    /// @param kept how long results are kept
    TinkerFutures(Duration kept) {
        this.kept = kept;
    }

    /// Makes a place for a result.
    ///
    /// @return empty if there is one of that name, which has come before
    /// @throws ApiException if there are too many
    synchronized Optional<Entry> open(String id) {
        if (all.containsKey(id)) {
            return Optional.empty();
        }
        if (all.size() >= MOST) {
            throw new ApiException(
                    429, "too_many_requests", "%d results wait already".formatted(MOST));
        }
        var entry = new Entry();
        all.put(id, entry);
        return Optional.of(entry);
    }

    /// Forgets a place for a result that won't come.
    synchronized void drop(String id) {
        all.remove(id);
    }

    /// Waits for a result, so long at most.
    ///
    /// @return empty if it isn't there yet
    /// @throws ApiException if nothing has this id
    Optional<TinkerReply> await(String id, Duration most) throws InterruptedException {
        Entry entry;
        synchronized (this) {
            entry = all.get(id);
        }
        if (entry == null) {
            throw new ApiException(
                    410, "gone", "there is no result of this request, or it was given up");
        }
        return entry.done.await(most.toMillis(), TimeUnit.MILLISECONDS)
                ? Optional.of(entry.reply)
                : Optional.empty();
    }

    /// Forgets results that are old.
    synchronized void sweep() {
        long now = System.nanoTime();
        for (Iterator<Entry> entries = all.values().iterator(); entries.hasNext(); ) {
            Entry entry = entries.next();
            if (entry.reply != null && now - entry.doneAt > kept.toNanos()) {
                entries.remove();
            }
        }
    }
}
