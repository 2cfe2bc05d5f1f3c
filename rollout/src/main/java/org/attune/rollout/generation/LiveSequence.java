package org.attune.rollout.generation;

import org.attune.rollout.sampling.Sequence;

import java.time.Duration;

/// A sequence of a [GenerationBatch], from its coming to its end. On the engine thread.
final class LiveSequence {
    /// Means that there is none.
    static final int NO_SLOT = -1;

    private final Sequence sequence;
    private final Lane lane;
    private final SequenceEvents events;
    private final long end; // System.nanoTime()
    private final boolean endsInTime;
    private State state = State.WAITING;
    private int slot = NO_SLOT;
    private long pausedAt;

    /// Where a sequence stands.
    enum State {
        /// It has no slot; all of it is to be read.
        WAITING,
        /// It has a slot whose end is to be read.
        READING,
        /// It gets a token a step.
        ACTIVE,
        /// It waits for someone outside; its slot may be taken away.
        PAUSED,
        ENDED
    }

    /// @param start when the time of `max_time` began, as `System.nanoTime()`
    LiveSequence(Sequence sequence, Lane lane, SequenceEvents events, long start) {
        this.sequence = sequence;
        this.lane = lane;
        this.events = events;
        var time = sequence.config().maxTime();
        endsInTime = time.isPresent();
        end = start + time.map(Duration::toNanos).orElse(0L);
    }

    Sequence sequence() {
        return sequence;
    }

    Lane lane() {
        return lane;
    }

    SequenceEvents events() {
        return events;
    }

    State state() {
        return state;
    }

    void become(State next) {
        state = next;
    }

    /// Its slot of the cache, or [#NO_SLOT].
    int slot() {
        return slot;
    }

    boolean hasSlot() {
        return slot != NO_SLOT;
    }

    void moveTo(int next) {
        slot = next;
    }

    void pauseAt(long step) {
        pausedAt = step;
    }

    /// Number of the step in which it paused last.
    long pausedAt() {
        return pausedAt;
    }

    boolean endsInTime() {
        return endsInTime;
    }

    boolean isLate(long now) {
        return endsInTime && now - end >= 0;
    }
}
