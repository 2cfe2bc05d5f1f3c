package org.attune.rollout.generation;

import org.attune.error.RolloutException;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.rollout.sampling.Sequence;
import org.attune.tensor.Engine;
import org.attune.text.Tokenizer;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// Completes prompts that come one by one, as those of agents and of a server's clients do: a
/// prompt is admitted between two tokens of the others, each with its own sampling, stops, adapter
/// and constraint. Sequences of one adapter get a token in one pass, and the adapters take turns.
///
/// The tokens of a sequence depend on its request alone; neighbours change the rounding of matrix
/// products, as in [Generator]. Each pass is one engine task, so other work of the engine gets its
/// turn between two of them; a long prompt is read in several. An idle loop has no task.
///
/// Owns its cache, borrows decoder and tokenizer. The weights must stay as they are while it is
/// open. Its methods may be called from any thread.
public final class GenerationLoop implements AutoCloseable {
    private static final long PAUSED_TIME_MILLIS = 50;

    private final Decoder decoder;
    private final Optional<Tokenizer> tokenizer;
    private final KvCache cache;
    private final GenerationBatch batch; // as all below it on the engine thread
    private final Map<Adapter, Lane> lanes = new HashMap<>();
    private boolean stepping;
    private boolean freed;
    private final Semaphore wake = new Semaphore(0);
    private final List<Consumer<GenerationBatch>> told = new ArrayList<>(); // guarded by itself
    private boolean closed; // guarded by told

    private GenerationLoop(Decoder decoder, Optional<Tokenizer> tokenizer, KvCache cache) {
        this.decoder = decoder;
        this.tokenizer = tokenizer;
        this.cache = cache;
        batch = new GenerationBatch(cache, false);
    }

    /// Makes a loop, with its whole cache. [GenerationMemory] estimates what it takes.
    ///
    /// @param tokenizer needed for stop strings only
    /// @param slots most sequences that are generated at once, ≥ 1
    /// @param capacity most tokens of a sequence that are read, ≥ 1: all but its last
    public static GenerationLoop open(
            Decoder decoder, Optional<Tokenizer> tokenizer, int slots, int capacity) {
        KvCache cache = Engine.call(() -> new KvCache(decoder, slots, capacity));
        var loop = new GenerationLoop(decoder, tokenizer, cache);
        Thread.ofVirtual().name("attune-generation").start(loop::drive);
        return loop;
    }

    /// Lets a sequence wait for its place.
    ///
    /// @param listener hears how it goes on
    /// @throws RolloutException if the prompt is empty, does not fit or has ids outside the
    ///     vocabulary, or if there are stop strings but no tokenizer
    /// @throws IllegalStateException if the loop is closed
    public Ticket submit(SequenceRequest request, SequenceListener listener) {
        long start = System.nanoTime();
        int length = request.prompt().length;
        if (length == 0 || length > cache.capacity()) {
            throw new RolloutException(
                    "a prompt has %d tokens; accepted: 1 to %d (the size of the cache)"
                            .formatted(length, cache.capacity()));
        }
        requireIds(request.prompt());
        var sequence =
                new Sequence(
                        request.index(),
                        request.prompt(),
                        GenerationBatch.longest(cache, length, request.sampling().maxNewTokens()),
                        request.sampling(),
                        tokenizer,
                        request.constraint());
        var ticket = new Ticket(this, listener);
        if (!tell(batch -> batch.add(ticket.live(sequence, lane(request.adapter()), start)))) {
            throw new IllegalStateException("nothing can be submitted to a closed loop");
        }
        return ticket;
    }

    private Lane lane(Adapter adapter) {
        return lanes.computeIfAbsent(adapter, a -> new Lane(new CachedDecoder(decoder, a)));
    }

    /// @throws RolloutException if an id isn't in the vocabulary
    void requireIds(int[] ids) {
        int vocabulary = decoder.config().vocabSize();
        for (int id : ids) {
            if (id < 0 || id >= vocabulary) {
                throw new RolloutException(
                        ("token id %d is not in the vocabulary of %d; is the tokenizer this"
                                        + " model's?")
                                .formatted(id, vocabulary));
            }
        }
    }

    /// Has something done before the next step.
    ///
    /// @return whether it will be: not if the loop is closed
    boolean tell(Consumer<GenerationBatch> what) {
        synchronized (told) {
            if (closed) {
                return false;
            }
            told.add(what);
        }
        wake.release();
        return true;
    }

    /// Steps while there is something to do, and waits else.
    private void drive() {
        var next = Wait.UNTIL_TOLD;
        while (next != Wait.FOREVER) {
            try {
                await(next);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
            next = Engine.call(this::step);
        }
    }

    private void await(Wait wait) throws InterruptedException {
        switch (wait) {
            case UNTIL_TOLD -> wake.acquire();
            case A_MOMENT -> {
                if (!wake.tryAcquire(PAUSED_TIME_MILLIS, TimeUnit.MILLISECONDS)) {
                    return;
                }
            }
            case NOT, FOREVER -> {}
        }
        wake.drainPermits();
    }

    /// What the loop waits for before its next step.
    private enum Wait {
        NOT,
        A_MOMENT,
        UNTIL_TOLD,
        FOREVER
    }

    private Wait step() {
        if (freed) {
            return Wait.FOREVER;
        }
        stepping = true;
        try {
            told().forEach(thing -> thing.accept(batch));
            batch.step();
        } catch (RuntimeException | Error e) {
            batch.failAll(new RolloutException("generation failed: " + e, e));
        } finally {
            stepping = false;
        }
        if (isClosed()) {
            free();
            return Wait.FOREVER;
        }
        if (batch.isBusy()) {
            return Wait.NOT;
        }
        return batch.isPausedInTime() ? Wait.A_MOMENT : Wait.UNTIL_TOLD;
    }

    /// Takes what is to be done.
    private List<Consumer<GenerationBatch>> told() {
        synchronized (told) {
            var all = List.copyOf(told);
            told.clear();
            return all;
        }
    }

    private boolean isClosed() {
        synchronized (told) {
            return closed;
        }
    }

    /// Ends all sequences as they are, as [org.attune.rollout.StopReason#CANCELLED], and frees the
    /// cache. Called by a listener, it takes effect after the step.
    @Override
    public void close() {
        synchronized (told) {
            closed = true;
        }
        wake.release();
        Engine.run(
                () -> {
                    if (!stepping) {
                        free();
                    }
                });
    }

    private void free() {
        if (!freed) {
            freed = true;
            told().forEach(thing -> thing.accept(batch));
            batch.cancelAll();
            cache.close();
        }
    }
}
