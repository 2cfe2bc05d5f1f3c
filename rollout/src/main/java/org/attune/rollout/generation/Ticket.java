package org.attune.rollout.generation;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.RolloutException;
import org.attune.model.layer.Adapter;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.TopTokens;
import org.attune.rollout.generation.SequenceListener.Next;
import org.attune.rollout.sampling.Sequence;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/// A sequence that was submitted to a [GenerationLoop]. Its public methods may be called from any
/// thread; the others belong to the thread that steps.
@Api(EXPERIMENTAL)
public final class Ticket {
    /// Means that there is none.
    static final int NO_SLOT = -1;

    private static final Logger LOG = LoggerFactory.getLogger(Ticket.class);

    private final GenerationLoop loop;
    private final SequenceListener listener;
    private final CompletableFuture<SampledCompletion> completion = new CompletableFuture<>();
    private volatile int room = -1; // while it is paused; else -1

    private final Sequence sequence;
    private final Adapter adapter;
    private Lane lane; // null until the loop has it
    private final boolean endsInTime;
    private final long end; // System.nanoTime()
    private State state = State.WAITING;
    private int slot = NO_SLOT;
    private long pausedAt;
    private RolloutException error;

    /// Where a sequence stands.
    enum State {
        /// The sequence has no slot; all of it is to be read.
        WAITING,
        /// The sequence has a slot whose end is to be read.
        READING,
        /// The sequence gets a token a step.
        ACTIVE,
        /// The sequence waits for someone outside; its slot may be taken away.
        PAUSED,
        ENDED
    }

    /// @param start when the time of `max_time` began, as `System.nanoTime()`
    Ticket(
            GenerationLoop loop,
            SequenceListener listener,
            Sequence sequence,
            Adapter adapter,
            long start) {
        this.loop = loop;
        this.listener = listener;
        this.sequence = sequence;
        this.adapter = adapter;
        var time = sequence.config().maxTime();
        endsInTime = time.isPresent();
        end = start + time.map(Duration::toNanos).orElse(0L);
    }

    /// [SequenceRequest#index]; of a prompt in a list its place.
    public int index() {
        return sequence.index();
    }

    /// The likeliest tokens at the position of the token sampled last; none unless they were asked
    /// for. To be called by the listener that is told of that token.
    public TopTokens likeliest() {
        return sequence.lastReport();
    }

    /// Lets a paused sequence go on.
    ///
    /// @param ids tokens to append first, as the answer of a tool; they are
    ///     [SampledCompletion#foreign], and may be none
    /// @throws IllegalStateException if the sequence isn't paused
    /// @throws RolloutException if the tokens are too many, or one isn't in the vocabulary; the
    ///     sequence stays paused
    public void goOn(int... ids) {
        loop.requireIds(ids);
        synchronized (this) {
            int most = room;
            if (most < 0) {
                throw new IllegalStateException(
                        "a sequence that isn't paused can't be told to go on");
            }
            if (ids.length > most) {
                throw new RolloutException(
                        ("%d tokens are too many to go on with; accepted: 0 to %d, by"
                                        + " max_new_tokens and the size of the cache")
                                .formatted(ids.length, most));
            }
            room = -1;
        }
        int[] own = Arrays.copyOf(ids, ids.length);
        loop.tell(batch -> batch.goOn(this, own));
    }

    /// How many tokens [#goOn] may append: -1 if the sequence isn't paused.
    public int room() {
        return room;
    }

    /// Lets the sequence pause before its next token; nothing if it is paused, or has ended.
    void pause() {
        loop.tell(batch -> batch.pauseNow(this));
    }

    /// Lets the sequence give up its slot, if it is paused.
    void leave() {
        loop.tell(batch -> batch.leaveSlot(this));
    }

    /// Ends the sequence as it is, as [StopReason#CANCELLED], before its next token; nothing if it
    /// has ended. Its place is free then.
    public void cancel() {
        loop.tell(batch -> batch.cancel(this));
    }

    /// Whether the sequence has ended, by an error for instance.
    public boolean isDone() {
        return completion.isDone();
    }

    /// Waits for the end. Not on the engine thread, which generates.
    ///
    /// @throws RolloutException if an error ended the sequence
    public SampledCompletion await() {
        try {
            return completion.join();
        } catch (CompletionException e) {
            throw new RolloutException(e.getCause().getMessage(), e.getCause());
        }
    }

    Sequence sequence() {
        return sequence;
    }

    /// By which adapter it is read.
    Adapter adapter() {
        return adapter;
    }

    /// Says in which lane it is.
    void enter(Lane own) {
        lane = own;
    }

    Lane lane() {
        return lane;
    }

    State state() {
        return state;
    }

    void become(State next) {
        state = next;
    }

    /// The sequence's slot of the cache, or [#NO_SLOT].
    int slot() {
        return slot;
    }

    boolean hasSlot() {
        return slot != NO_SLOT;
    }

    void moveTo(int next) {
        slot = next;
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

    /// Tells its listener of a token.
    Next sampled(int id, float logProb) {
        try {
            return listener.sampled(this, id, logProb);
        } catch (RuntimeException e) {
            return endBy(e);
        }
    }

    /// Tells its listener that the token sampled last is a stop token, or completed a stop string.
    Next stopped(StopReason reason) {
        try {
            return listener.stopped(this, reason);
        } catch (RuntimeException e) {
            return endBy(e);
        }
    }

    /// Passes an error of the listener on, or keeps it from the other sequences.
    private Next endBy(RuntimeException e) {
        loop.requireShared(e);
        error =
                new RolloutException(
                        "the listener of a sequence failed after %d tokens: %s"
                                .formatted(sequence.generated(), e),
                        e);
        return Next.END;
    }

    /// Tells its listener that it keeps its place and waits.
    void paused(long step) {
        pausedAt = step;
        room = sequence.room();
        try {
            listener.paused(this);
        } catch (RuntimeException e) {
            endBy(e);
            cancel();
        }
    }

    void ended(StopReason reason) {
        if (error != null) {
            failed(error);
            return;
        }
        SampledCompletion all = sequence.completion(reason);
        room = -1;
        quietly(() -> listener.ended(this, all));
        completion.complete(all);
    }

    /// Ends it by an error that concerns it alone, or all.
    void failed(RuntimeException e) {
        loop.requireShared(e);
        room = -1;
        RolloutException told =
                e instanceof RolloutException r
                        ? r
                        : new RolloutException("a sequence failed: " + e, e);
        quietly(() -> listener.failed(this, told));
        completion.completeExceptionally(told);
    }

    private void quietly(Runnable told) {
        try {
            told.run();
        } catch (RuntimeException e) {
            loop.requireShared(e);
            LOG.warn("the listener of a sequence failed at its end", e);
        }
    }
}
