package org.attune.reward.judge;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.OptionalInt;

/// Holds requests back so that within each minute no more go out, and no more tokens are used, than
/// a server allows. Tokens are estimated before a request and corrected after it. Thread-safe.
final class RateLimit {
    private final OptionalInt requests;
    private final OptionalInt tokens;
    private final Duration window;
    private final Deque<Use> uses = new ArrayDeque<>();

    /// A request that went out.
    static final class Use {
        private final long nanos;
        private int tokens;

        private Use(long nanos, int tokens) {
            this.nanos = nanos;
            this.tokens = tokens;
        }
    }

    /// @param requests within a window at most; empty: any number
    /// @param tokens within a window at most; empty: any number. A request that needs more by
    ///     itself goes out when nothing else did
    /// @param window a minute, but for tests
    RateLimit(OptionalInt requests, OptionalInt tokens, Duration window) {
        this.requests = requests;
        this.tokens = tokens;
        this.window = window;
    }

    /// Waits until a request may go out, and counts it.
    ///
    /// @param estimate of its tokens and those of its answer
    synchronized Use acquire(int estimate) throws InterruptedException {
        while (true) {
            long now = System.nanoTime();
            while (!uses.isEmpty() && now - uses.getFirst().nanos >= window.toNanos()) {
                uses.removeFirst();
            }
            if (isFree(estimate)) {
                var use = new Use(now, estimate);
                uses.addLast(use);
                return use;
            }
            long nanos = window.toNanos() - (now - uses.getFirst().nanos);
            wait(Math.max(1, Duration.ofNanos(nanos).toMillis() + 1));
        }
    }

    private boolean isFree(int estimate) {
        if (uses.isEmpty()) {
            return true;
        }
        long used = uses.stream().mapToLong(use -> use.tokens).sum();
        return (requests.isEmpty() || uses.size() < requests.getAsInt())
                && (tokens.isEmpty() || used + estimate <= tokens.getAsInt());
    }

    /// Says how many tokens a request took.
    synchronized void correct(Use use, int used) {
        use.tokens = used;
        notifyAll();
    }
}
