package org.attune.rollout.generation;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.model.decode.CachedDecoder;
import org.attune.model.decode.ForwardRecord;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.rollout.OngoingCompletions;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.constraint.Constraint;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.TokenConstraint;
import org.attune.tensor.Engine;
import org.attune.text.Tokenizer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/// Completes lists of prompts by a [GenerationLoop], many at once: a sequence that has ended gives
/// its place to the next prompt, and what a prompt shares with one already in the cache is not
/// computed again. Borrows the decoder and the tokenizer. May be called from any thread; the work
/// runs on the engine thread.
///
/// A completion depends on its prompt, its index and the seed. Other prompts in the batch change at
/// most the rounding of matrix products: in float32 the tokens stay the same unless two tokens are
/// all but equally likely.
@Api(EXPERIMENTAL)
public final class Generator {
    /// Sequences at once unless said otherwise.
    public static final int DEFAULT_SLOTS = 32;

    private static final Logger LOG = LoggerFactory.getLogger(Generator.class);

    private final CachedDecoder decoder;
    private final Optional<Tokenizer> tokenizer;
    private final int slots;
    private final Optional<ForwardRecord> record;
    private final Supplier<TokenConstraint> constraint;

    /// @param adapter which of the decoder's adapters applies
    /// @param tokenizer needed for stop strings only
    /// @param slots most sequences at once, ≥ 1
    public Generator(Decoder decoder, Adapter adapter, Optional<Tokenizer> tokenizer, int slots) {
        if (slots < 1) {
            throw new IllegalArgumentException(slots + " sequences at once; accepted: at least 1");
        }
        this(
                new CachedDecoder(decoder, adapter),
                tokenizer,
                slots,
                Optional.empty(),
                () -> TokenConstraint.NONE);
    }

    private Generator(
            CachedDecoder decoder,
            Optional<Tokenizer> tokenizer,
            int slots,
            Optional<ForwardRecord> record,
            Supplier<TokenConstraint> constraint) {
        this.decoder = decoder;
        this.tokenizer = tokenizer;
        this.slots = slots;
        this.record = record;
        this.constraint = constraint;
    }

    /// A generator that records what it reads for the prompts of each call; a backward pass can
    /// start from that.
    ///
    /// @param kept for the same decoder and adapter; borrowed. A call forgets what it held before.
    public Generator recording(ForwardRecord kept) {
        return new Generator(
                decoder.recording(kept), tokenizer, slots, Optional.of(kept), constraint);
    }

    /// A generator whose completions keep to a constraint. Log-probabilities stay the model's own.
    ///
    /// @param endIds tokens that end a completion, as the stop tokens of its settings
    /// @throws IllegalStateException if it was made without a tokenizer
    /// @throws org.attune.error.ConfigException if there are no such tokens
    /// @throws org.attune.error.ModelException if the bytes of the tokenizer's tokens aren't known
    public Generator constrained(Constraint form, Set<Integer> endIds) {
        Tokenizer known =
                tokenizer.orElseThrow(
                        () -> new IllegalStateException("a constraint needs a tokenizer"));
        return constrained(form.on(known, endIds));
    }

    /// @param each makes what one sequence follows
    Generator constrained(Supplier<TokenConstraint> each) {
        return new Generator(decoder, tokenizer, slots, record, each);
    }

    /// Completes by the geometric mixture of two models ([CachedDecoder#mixedWith]).
    ///
    /// @param other borrowed
    /// @param with which of its adapters applies
    /// @param share of the other, in [0, 1]
    /// @throws IllegalArgumentException if the other has another vocabulary
    public Generator mixedWith(Decoder other, Adapter with, double share) {
        return new Generator(
                decoder.mixedWith(new CachedDecoder(other, with), share),
                tokenizer,
                slots,
                Optional.empty(),
                constraint);
    }

    /// Most tokens that are read for prompts of which consecutive equal arrays are read once.
    ///
    /// @param newTokens most tokens of a completion
    public static long tokensRead(List<int[]> prompts, int newTokens) {
        long tokens = 0;
        int[] before = {};
        for (int[] prompt : prompts) {
            // A prompt that is in the cache has its last token read again; that of a completion
            // isn't read.
            tokens += newTokens + (prompt == before ? 0 : prompt.length);
            before = prompt;
        }
        return tokens;
    }

    /// A generator with [#DEFAULT_SLOTS].
    public static Generator of(Decoder decoder, Adapter adapter, Tokenizer tokenizer) {
        return new Generator(decoder, adapter, Optional.of(tokenizer), DEFAULT_SLOTS);
    }

    /// Completes each prompt.
    ///
    /// @param prompts token ids, at least one each
    /// @return one completion per prompt, in their order
    /// @throws org.attune.error.RolloutException if a prompt is empty or has ids outside the
    ///     vocabulary, if there are stop strings but no tokenizer, or if logits aren't finite
    public List<SampledCompletion> generate(
            List<int[]> prompts, SamplingConfig config, SequenceListener listener) {
        if (prompts.isEmpty()) {
            return List.of();
        }
        int longest = prompts.stream().mapToInt(p -> p.length).max().orElse(0);
        // The last token is not read any more.
        int capacity = Math.addExact(Math.max(1, longest), config.maxNewTokens() - 1);
        int trained = decoder.decoder().config().maxPositionEmbeddings();
        if (capacity > trained) {
            LOG.warn(
                    "prompt and max_new_tokens may make {} tokens, the model is made for {}; text"
                            + " beyond that may be poor",
                    capacity,
                    trained);
        }
        return Engine.call(
                () -> {
                    int predictions = Math.multiplyExact(prompts.size(), config.maxNewTokens());
                    record.ifPresent(r -> r.begin(tokensRead(prompts, config), predictions));
                    int most = Math.min(slots, prompts.size());
                    try (var loop =
                            new GenerationLoop(decoder, tokenizer, Seating.LIST, most, capacity)) {
                        return run(loop, prompts, config, listener);
                    }
                });
    }

    /// A sampler of turns with this generator's slots and record, whose cache lives as long as it.
    /// On the engine thread; the caller closes it.
    ///
    /// @param sequences how many there will be
    /// @param longestPrompt of them as far as is known; the cache grows if one is longer
    /// @param mostTokens of a sequence after its prompt, own and others
    /// @param tokensRead most tokens that will be read, as far as is known
    /// @param mayGoOn whether sequences may have more than one turn
    public TurnGenerator turns(
            SamplingConfig config,
            int sequences,
            int longestPrompt,
            int mostTokens,
            long tokensRead,
            boolean mayGoOn) {
        record.ifPresent(
                r ->
                        r.begin(
                                Math.toIntExact(tokensRead),
                                Math.multiplyExact(sequences, mostTokens)));
        int most = Math.min(slots, sequences);
        var loop =
                new GenerationLoop(
                        decoder,
                        tokenizer,
                        mayGoOn ? Seating.TURNS : Seating.LIST,
                        most,
                        Math.max(1, longestPrompt + mostTokens - 1)); // the last token isn't read
        return new TurnGenerator(
                loop, decoder.adapter(), constraint, config, most, mostTokens, mayGoOn);
    }

    private static int tokensRead(List<int[]> prompts, SamplingConfig config) {
        return Math.toIntExact(tokensRead(prompts, config.maxNewTokens()));
    }

    /// Completes prompts over a cache that the caller owns. Prompts that begin with what it holds,
    /// as the next turn of a conversation does, cost only their new part. Completions end where the
    /// cache is full. The weights must not have changed since the cache was filled.
    public List<SampledCompletion> generate(
            KvCache cache, List<int[]> prompts, SamplingConfig config, SequenceListener listener) {
        return Engine.call(
                () -> {
                    try (var loop = new GenerationLoop(decoder, tokenizer, cache)) {
                        return run(loop, prompts, config, listener);
                    }
                });
    }

    /// Goes on with completions until enough have ended. Their tokens from earlier calls are
    /// read again, with the weights as they are now: so each token follows the weights of one
    /// moment.
    ///
    /// @param config its seed is the run's, of which each batch has its own
    /// @throws org.attune.error.ConfigException if there are more places than sequences at once
    public void goOn(OngoingCompletions ongoing, SamplingConfig config) {
        if (ongoing.places() > slots) {
            throw ConfigException.about(
                    "max_inflight_tasks",
                    ("%d completions of a device at once, but memory or generation_slots allow %d;"
                                    + " lower it, or give more")
                            .formatted(ongoing.places(), slots));
        }
        Engine.run(
                () -> {
                    int capacity = ongoing.longestPrompt() + config.maxNewTokens() - 1;
                    try (var loop =
                            new GenerationLoop(
                                    decoder, tokenizer, Seating.LIST, ongoing.places(), capacity)) {
                        new OngoingSequences(loop, ongoing, decoder.adapter(), constraint)
                                .run(config);
                    }
                });
    }

    /// A cache for this generator's decoder; the caller owns it. On the engine thread.
    public KvCache newCache(int slots, int capacity) {
        return decoder.newCache(slots, capacity);
    }

    private List<SampledCompletion> run(
            GenerationLoop loop,
            List<int[]> prompts,
            SamplingConfig config,
            SequenceListener listener) {
        List<Ticket> tickets = new ArrayList<>();
        for (int[] prompt : prompts) {
            var request =
                    SequenceRequest.of(prompt, config)
                            .withIndex(tickets.size())
                            .withAdapter(decoder.adapter())
                            .withConstraint(constraint.get());
            tickets.add(loop.submit(request, listener));
        }
        loop.run();
        return tickets.stream().map(Ticket::await).toList();
    }
}
