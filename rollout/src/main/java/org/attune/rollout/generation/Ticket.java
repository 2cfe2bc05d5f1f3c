package org.attune.rollout.generation;

import org.attune.error.RolloutException;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.rollout.generation.SequenceListener.Next;
import org.attune.rollout.sampling.Sequence;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/// A sequence that was submitted to a [GenerationLoop], as its client holds it. May be used from
/// any thread.
public final class Ticket {
    private static final Logger LOG = LoggerFactory.getLogger(Ticket.class);

    private final GenerationLoop loop;
    private final SequenceListener listener;
    private final CompletableFuture<SampledCompletion> end = new CompletableFuture<>();
    private LiveSequence live; // on the engine thread
    private volatile int room = -1; // while it is paused; else -1

    Ticket(GenerationLoop loop, SequenceListener listener) {
        this.loop = loop;
        this.listener = listener;
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
        loop.tell(batch -> batch.goOn(live, own));
    }

    /// How many tokens [#goOn] may append: -1 if the sequence isn't paused.
    public int room() {
        return room;
    }

    /// Ends the sequence as it is, as [StopReason#CANCELLED], before its next token; nothing if it
    /// has ended. Its place is free then.
    public void cancel() {
        loop.tell(batch -> batch.cancel(live));
    }

    /// Whether the sequence has ended, by an error for instance.
    public boolean isDone() {
        return end.isDone();
    }

    /// Waits for the end. Not on the engine thread, which generates.
    ///
    /// @throws RolloutException if an error ended the sequence
    public SampledCompletion await() {
        try {
            return end.join();
        } catch (CompletionException e) {
            throw new RolloutException(e.getCause().getMessage(), e.getCause());
        }
    }

    /// Makes the sequence, before anything happens to it. On the engine thread.
    LiveSequence live(Sequence sequence, Lane lane, long start) {
        live = new LiveSequence(sequence, lane, new Guarded(), start);
        return live;
    }

    /// Passes on what happens. An error of the listener ends the sequence.
    private final class Guarded implements SequenceEvents {
        private RolloutException error;

        @Override
        public Next sampled(int id, float logProb) {
            try {
                return listener.sampled(Ticket.this, id, logProb);
            } catch (RuntimeException e) {
                return endBy(e);
            }
        }

        @Override
        public Next stopped(StopReason reason) {
            try {
                return listener.stopped(Ticket.this, reason);
            } catch (RuntimeException e) {
                return endBy(e);
            }
        }

        private Next endBy(RuntimeException e) {
            error =
                    new RolloutException(
                            "the listener of a sequence failed after %d tokens: %s"
                                    .formatted(live.sequence().generated(), e),
                            e);
            return Next.END;
        }

        @Override
        public void paused() {
            room = live.sequence().room();
            try {
                listener.paused(Ticket.this);
            } catch (RuntimeException e) {
                endBy(e);
                cancel();
            }
        }

        @Override
        public void ended(SampledCompletion completion) {
            if (error != null) {
                failed(error);
                return;
            }
            room = -1;
            quietly(() -> listener.ended(Ticket.this, completion));
            end.complete(completion);
        }

        @Override
        public void failed(RuntimeException e) {
            room = -1;
            RolloutException told =
                    e instanceof RolloutException r
                            ? r
                            : new RolloutException("a sequence failed: " + e, e);
            quietly(() -> listener.failed(Ticket.this, told));
            end.completeExceptionally(told);
        }

        private void quietly(Runnable told) {
            try {
                told.run();
            } catch (RuntimeException e) {
                LOG.warn("the listener of a sequence failed at its end", e);
            }
        }
    }
}
