package org.attune.ranks.mpi;

import java.time.Duration;
import java.util.Optional;

/// Where a rank stands, for messages; asked on other threads.
public final class RankPlace {
    /// A call that hasn't come back.
    ///
    /// @param what it is for
    /// @param since `System.nanoTime` of its begin
    public record Waiting(String what, long since) {
        /// How long it has taken.
        public Duration age() {
            return Duration.ofNanos(System.nanoTime() - since);
        }
    }

    private volatile int step;
    private volatile Waiting waiting;

    void enter(int number) {
        step = number;
    }

    void begin(String what) {
        waiting = new Waiting(what, System.nanoTime());
    }

    void end() {
        waiting = null;
    }

    /// The call in which this rank is, if it is in one.
    public Optional<Waiting> waiting() {
        return Optional.ofNullable(waiting);
    }

    /// The optimizer's step, from 1; 0 before the first.
    public int step() {
        return step;
    }

    /// The place in words: `step 41, gradients`.
    public String text() {
        Waiting now = waiting;
        String at = step == 0 ? "the start" : "step " + step;
        return now == null ? at : at + ", " + now.what();
    }
}
