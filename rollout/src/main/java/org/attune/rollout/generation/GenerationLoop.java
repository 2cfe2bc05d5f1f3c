package org.attune.rollout.generation;

import org.attune.error.RolloutException;
import org.attune.error.StopRequest;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.rollout.sampling.Sequence;
import org.attune.tensor.Engine;
import org.attune.text.Tokenizer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// Completes prompts, each with its own sampling, stops, adapter and constraint: a prompt is
/// admitted between two tokens of the others. All that generates in this process submits to one of
/// these. In one that is [#open], sequences of the model and of adapters that change linear layers
/// alone get a token in one pass ([Decoder#joins]). Other adapters take turns with them.
///
/// There are two ways to make it go. One that is [#open] steps by itself, and its methods may be
/// called from any thread: each pass is one engine task, so other work of the engine gets its turn
/// between two of them, and an idle loop has no task. Others are stepped by their caller, within
/// one engine task ([#step], [#run]): so nothing changes a trainer's weights between two steps.
///
/// The tokens of a sequence depend on its request alone; neighbours change the rounding of matrix
/// products, as in [Generator]. Borrows decoder and tokenizer. The weights must stay as they are
/// while it is open.
public final class GenerationLoop implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GenerationLoop.class);
    private static final long PAUSED_TIME_MILLIS = 50;
    private static final long FOREVER = Long.MAX_VALUE;
    private static final int MOST_LANES = 64;

    private final CachedDecoder decoder;
    private final Optional<Tokenizer> tokenizer;
    private final Seating seating;
    private final int slots;
    private final boolean ownsCache;
    private int capacity; // of a sequence; grows where sequences have turns
    private KvCache cache; // as all below it on the engine thread; null before the first step
    private final Lane joined;
    private final Map<Adapter, Lane> lanes = new HashMap<>(); // of adapters that don't join
    private final GenerationBatch batch;
    private boolean stepping;
    private boolean freed;
    private final Semaphore wake = new Semaphore(0);
    private final List<Consumer<GenerationBatch>> told = new ArrayList<>(); // guarded by itself
    private boolean closed; // guarded by told

    /// A loop that its caller steps. Its cache is made with the first step.
    ///
    /// @param slots most sequences that are generated at once, ≥ 1
    /// @param capacity tokens of a sequence that are read, ≥ 1: all but its last. No sequence has
    ///     more, except with [Seating#TURNS], where the cache grows
    GenerationLoop(
            CachedDecoder decoder,
            Optional<Tokenizer> tokenizer,
            Seating seating,
            int slots,
            int capacity) {
        this.decoder = decoder;
        this.tokenizer = tokenizer;
        this.seating = seating;
        this.slots = slots;
        this.capacity = capacity;
        joined = new Lane(CachedDecoder.joined(decoder.decoder()));
        ownsCache = true;
        batch = new GenerationBatch(seating);
    }

    /// A loop that its caller steps, over a cache that its caller owns: what prompts share with
    /// what it holds isn't read again.
    GenerationLoop(CachedDecoder decoder, Optional<Tokenizer> tokenizer, KvCache cache) {
        this.decoder = decoder;
        this.tokenizer = tokenizer;
        this.seating = Seating.LIST;
        this.slots = cache.slots();
        this.capacity = cache.capacity();
        this.cache = cache;
        joined = new Lane(CachedDecoder.joined(decoder.decoder()));
        ownsCache = false;
        batch = new GenerationBatch(seating);
        batch.moveTo(cache);
    }

    /// Makes a loop that steps by itself, with its whole cache. [GenerationMemory] estimates what
    /// it takes.
    ///
    /// @param tokenizer needed for stop strings only
    /// @param slots most sequences that are generated at once, ≥ 1
    /// @param capacity most tokens of a sequence that are read, ≥ 1: all but its last
    public static GenerationLoop open(
            Decoder decoder, Optional<Tokenizer> tokenizer, int slots, int capacity) {
        var loop =
                new GenerationLoop(
                        new CachedDecoder(decoder, Adapter.OFF),
                        tokenizer,
                        Seating.OPEN,
                        slots,
                        capacity);
        Engine.run(loop::makeRoom);
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
        long longest = (long) length + request.mostTokens();
        if (seating == Seating.TURNS) {
            capacity = Math.toIntExact(Math.max(capacity, longest - 1));
        }
        if (length == 0 || length > capacity) {
            throw new RolloutException(
                    "the prompt of sequence %d has %d tokens; accepted: 1 to %d (the size of the cache)"
                            .formatted(request.index(), length, capacity));
        }
        requireIds(request.prompt());
        requireIds(request.sampling().logitBias().keySet().stream().mapToInt(i -> i).toArray());
        var sequence =
                new Sequence(
                        request.index(),
                        request.prompt(),
                        (int) Math.min(longest, capacity + 1L), // its last token isn't read
                        request.sampling(),
                        tokenizer,
                        request.constraint(),
                        request.drawn());
        decoder.decoder().config().imageToken().ifPresent(sequence::forbid);
        request.begun().ifPresent(sequence::repeat);
        var ticket = new Ticket(this, listener, sequence, request.adapter(), start);
        if (!tell(known -> known.add(enter(ticket)))) {
            throw new IllegalStateException("nothing can be submitted to a closed loop");
        }
        return ticket;
    }

    private Ticket enter(Ticket ticket) {
        Adapter adapter = ticket.adapter();
        if (lanes.size() >= MOST_LANES && !batch.isBusy()) {
            lanes.clear(); // of adapters that may be gone; sequences that pause have theirs
        }
        boolean joins = seating == Seating.OPEN && decoder.decoder().joins(adapter);
        ticket.enter(
                joins
                        ? joined
                        : lanes.computeIfAbsent(
                                adapter, other -> new Lane(decoder.reading(other))));
        return ticket;
    }

    /// @throws RolloutException if an id isn't in the vocabulary
    void requireIds(int[] ids) {
        DecoderConfig config = decoder.decoder().config();
        for (int id : ids) {
            if (!config.knows(id)) {
                throw new RolloutException(
                        ("token id %d is not in the vocabulary of %d; is the tokenizer this"
                                        + " model's?")
                                .formatted(id, config.vocabSize()));
            }
        }
    }

    /// Throws an error of one sequence unless others go on without it: where the caller steps, it
    /// ends the call.
    void requireShared(RuntimeException error) {
        if (seating != Seating.OPEN) {
            throw error;
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

    /// Whether a step has something to do. On the engine thread.
    boolean isBusy() {
        takeUp();
        return batch.isBusy();
    }

    /// Makes one pass. On the engine thread.
    void step() {
        makeRoom();
        takeUp();
        batch.step();
    }

    /// Steps to the end of all sequences, in one engine task.
    void run() {
        while (isBusy()) {
            StopRequest.check();
            step();
        }
    }

    /// Tokens that passes have read so far. On the engine thread.
    long tokensRead() {
        return batch.tokensRead();
    }

    /// Passes so far. On the engine thread.
    long steps() {
        return batch.steps();
    }

    /// Makes the cache, or a larger one.
    private void makeRoom() {
        if (cache != null && cache.capacity() >= capacity) {
            return;
        }
        if (cache != null) {
            LOG.info(
                    "a sequence may have {} tokens, more than those before, so sequences under way"
                            + " are read again into a larger cache",
                    capacity);
            cache.close();
            cache = null;
        }
        cache = decoder.newCache(slots, capacity);
        batch.moveTo(cache);
    }

    /// Does what is to be done.
    private void takeUp() {
        List<Consumer<GenerationBatch>> all;
        synchronized (told) {
            all = List.copyOf(told);
            told.clear();
        }
        all.forEach(what -> what.accept(batch));
    }

    /// Gives each step to the engine, and waits while there is nothing to do.
    private void drive() {
        try {
            for (long millis = FOREVER; millis >= 0; millis = Engine.call(this::task)) {
                if (millis > 0 && wake.tryAcquire(millis, TimeUnit.MILLISECONDS)) {
                    wake.drainPermits();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Steps once.
    ///
    /// @return milliseconds until the next step at most, if nobody asks for one; below 0 at the end
    private long task() {
        stepping = true;
        try {
            if (!freed) {
                step();
            }
        } catch (RuntimeException | Error e) {
            batch.failAll(new RolloutException("generation failed: " + e, e));
        } finally {
            stepping = false;
        }
        if (isClosed()) {
            free();
            return -1;
        }
        if (batch.isBusy()) {
            return 0;
        }
        return batch.isPausedInTime() ? PAUSED_TIME_MILLIS : FOREVER;
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
            if (seating == Seating.OPEN) {
                takeUp();
                batch.cancelAll();
            }
            if (ownsCache && cache != null) {
                cache.close();
            }
        }
    }
}
