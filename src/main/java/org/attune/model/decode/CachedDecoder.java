package org.attune.model.decode;

import static java.util.Arrays.stream;

import org.attune.error.RolloutException;
import org.attune.error.StopRequest;
import org.attune.images.SeenPicture;
import org.attune.model.config.RopeConfig;
import org.attune.model.config.RopeScaling;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.AdapterRows;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Dropout;
import org.attune.model.layer.OutputLayer;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/// A decoder that reads tokens after those whose keys and values are in a [KvCache]: prompts of any
/// lengths together, then one token for each of many sequences at once. Borrows the decoder; use it
/// on the engine thread. Nothing outlives a call but its result and what it writes into the cache.
public final class CachedDecoder {
    /// Tokens that are computed at once: enough for full speed, and a bound for the memory of
    /// activations and attention scores.
    public static final int CHUNK = 512;

    private final Decoder decoder;
    private final Adapter adapter;
    private final Optional<ForwardRecord> record;
    private final Optional<Partner> partner;
    private final boolean joins;

    /// Another decoder that reads the same tokens, and whose logits have a share in this one's.
    ///
    /// @param share in [0, 1]
    private record Partner(CachedDecoder reader, double share) {}

    /// Tokens that a slot is to read.
    ///
    /// @param ids at least one
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record NewTokens(int slot, int[] ids) {}

    /// @param adapter which of the decoder's adapters applies
    public CachedDecoder(Decoder decoder, Adapter adapter) {
        this(decoder, adapter, Optional.empty(), Optional.empty(), false);
    }

    private CachedDecoder(
            Decoder decoder,
            Adapter adapter,
            Optional<ForwardRecord> record,
            Optional<Partner> partner,
            boolean joins) {
        this.decoder = decoder;
        this.adapter = adapter;
        this.record = record;
        this.partner = partner;
        this.joins = joins;
    }

    /// A decoder that records what it reads.
    ///
    /// @param into borrowed
    public CachedDecoder recording(ForwardRecord into) {
        return new CachedDecoder(decoder, adapter, Optional.of(into), partner, false);
    }

    /// The geometric mixture of two models: its logits are
    /// ```
    /// (1 - share) z + share z_other
    /// ```
    /// so its probabilities are `π^(1 - share) π_other^share`, scaled to sum 1. Both read every
    /// token. Use a cache of [#newCache].
    ///
    /// @param other borrowed
    /// @param share of the other, in [0, 1]
    /// @throws IllegalArgumentException if the other has another vocabulary, or a share is out of
    ///     range
    public CachedDecoder mixedWith(CachedDecoder other, double share) {
        int own = decoder.config().vocabSize();
        int others = other.decoder.config().vocabSize();
        if (own != others) {
            throw new IllegalArgumentException(
                    "a model with %d tokens can't be mixed with one with %d"
                            .formatted(own, others));
        }
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("share " + share + "; accepted: 0 to 1");
        }
        return new CachedDecoder(
                decoder, adapter, record, Optional.of(new Partner(other, share)), false);
    }

    /// A cache for what this decoder reads; the caller owns it.
    public KvCache newCache(int slots, int capacity) {
        if (partner.isEmpty()) {
            return new KvCache(decoder, slots, capacity);
        }
        KvCache others = partner.get().reader().newCache(slots, capacity);
        try {
            return new KvCache(decoder, slots, capacity, Optional.of(others));
        } catch (RuntimeException | Error e) {
            others.close();
            throw e;
        }
    }

    /// Says that a slot holds a sequence that is complete, but for a last token that isn't read.
    public void finished(KvCache cache, int slot) {
        record.ifPresent(r -> cache.addTo(r, slot));
    }

    public Decoder decoder() {
        return decoder;
    }

    /// Which of the decoder's adapters applies.
    public Adapter adapter() {
        return adapter;
    }

    /// The decoder with another of its adapters, by itself: neither recorded nor mixed. This one
    /// where the adapter is its own.
    public CachedDecoder reading(Adapter other) {
        return other.equals(adapter) ? this : new CachedDecoder(decoder, other);
    }

    /// A reader of sequences of several adapters in one pass, each slot by [KvCache#adapter]; by
    /// itself: neither recorded nor mixed. The adapters must be such that [Decoder#joins]. Slots of
    /// one adapter are best read one after the other.
    public static CachedDecoder joined(Decoder decoder) {
        return new CachedDecoder(decoder, Adapter.OFF, Optional.empty(), Optional.empty(), true);
    }

    /// The adapters of new tokens.
    private AdapterRows rows(KvCache cache, List<NewTokens> additions) {
        return joins
                ? AdapterRows.joined(
                        additions.stream().map(a -> cache.adapter(a.slot())).toList(),
                        additions.stream().mapToInt(a -> a.ids().length).toArray())
                : AdapterRows.all(adapter);
    }

    private void append(KvCache cache, NewTokens addition, int row) {
        Adapter own = joins ? cache.adapter(addition.slot()) : adapter;
        cache.append(addition.slot(), addition.ids(), own, row);
    }

    /// Whether a sequence may start with another's keys and values. Not with RoPE whose frequencies
    /// depend on the length: those in the cache keep the frequencies of their time.
    public boolean mayShare() {
        return !decoder.config().positions().dependsOnLength()
                && partner.map(p -> p.reader().mayShare()).orElse(true);
    }

    /// Appends a prompt, or the rest of one, to a slot.
    ///
    /// @param ids at least one
    /// @return logits of the token that follows, `(1, V)`, in the current scope
    /// @throws RolloutException if the cache is too small
    public Tensor prefill(KvCache cache, int slot, int[] ids) {
        return read(cache, List.of(new NewTokens(slot, ids)));
    }

    /// Appends one token to each of the slots 0 … B − 1.
    ///
    /// @param ids one per slot, `(B)`
    /// @return logits of the tokens that follow, `(B, V)`, in the current scope
    /// @throws RolloutException if the cache is too small
    public Tensor decode(KvCache cache, int[] ids) {
        return decode(cache, IntStream.range(0, ids.length).toArray(), ids);
    }

    /// Appends one token to each of several slots. In which they are changes no number.
    ///
    /// @param slots all different, `(B)`
    /// @param ids one per slot, `(B)`
    /// @return logits of the tokens that follow, `(B, V)`, in the current scope; on a GPU valid
    ///     until the cache's next tokens are read
    /// @throws RolloutException if the cache is too small
    public Tensor decode(KvCache cache, int[] slots, int[] ids) {
        List<NewTokens> tokens = new ArrayList<>();
        for (int i = 0; i < ids.length; i++) {
            tokens.add(new NewTokens(slots[i], new int[] {ids[i]}));
        }
        check(cache, tokens);
        return logits(cache, tokens, true);
    }

    /// Appends tokens to several slots. What is longer than [#CHUNK] is read piece by piece.
    ///
    /// @param additions at least one, of different slots
    /// @return logits of the tokens that follow each, `(B, V)`, in the current scope
    /// @throws RolloutException if the cache is too small, or an id isn't in the vocabulary
    public Tensor read(KvCache cache, List<NewTokens> additions) {
        return read(cache, additions, isInOrder(additions));
    }

    /// Appends tokens to several slots, with a choice of how single tokens are read. What is longer
    /// than [#CHUNK] is read piece by piece.
    ///
    /// @param decodes whether additions of one token each are read as [#decode] does, which rounds
    ///     otherwise
    public Tensor read(KvCache cache, List<NewTokens> additions, boolean decodes) {
        check(cache, additions);
        List<NewTokens> last = new ArrayList<>();
        for (NewTokens addition : additions) {
            NewTokens rest = addition;
            while (isTooLong(rest)) {
                rest = readChunk(cache, rest);
            }
            last.add(rest);
        }
        boolean oneEach = last.stream().allMatch(tokens -> tokens.ids().length == 1);
        return logits(cache, last, decodes && oneEach);
    }

    /// Whether tokens are too many for one pass, so that [#readChunk] can read their beginning.
    public boolean isTooLong(NewTokens addition) {
        return mayShare()
                && addition.ids().length > CHUNK
                && chunk(addition.ids()) < addition.ids().length;
    }

    /// Tokens of a beginning: [#CHUNK], or where that would cut rows of pictures that see each
    /// other, those before them, or these rows.
    private int chunk(int[] ids) {
        int before = whole(ids, CHUNK);
        return before > 0 ? before : SeenPicture.runEnd(ids, 0);
    }

    /// How many of its first tokens a sequence may take from another that has `known` of them: rows
    /// of pictures that see each other together.
    public int whole(int[] ids, int known) {
        boolean cuts =
                decoder.config().attention().picturesWhole() && known > 0 && known < ids.length;
        return cuts && SeenPicture.runEnd(ids, known - 1) > known
                ? SeenPicture.runStart(ids, known - 1)
                : known;
    }

    /// Appends the first tokens only, about [#CHUNK].
    ///
    /// @param addition one that [#isTooLong]
    /// @return the rest
    public NewTokens readChunk(KvCache cache, NewTokens addition) {
        check(cache, List.of(addition));
        int[] ids = addition.ids();
        int count = chunk(ids);
        var chunk = new NewTokens(addition.slot(), Arrays.copyOf(ids, count));
        try (var _ = TensorScope.open("prefill")) {
            hidden(cache, List.of(behindVirtual(cache, chunk)), false);
        }
        partner.ifPresent(p -> p.reader().readChunk(cache.beside(), chunk));
        return new NewTokens(addition.slot(), Arrays.copyOfRange(ids, count, ids.length));
    }

    /// Appends tokens to a slot.
    ///
    /// @param addition at most [#CHUNK] tokens if [#mayShare]
    /// @return logits of the tokens that follow each of them, `(N, V)`, in the current scope
    /// @throws RolloutException if the cache is too small, or an id isn't in the vocabulary
    public Tensor readEach(KvCache cache, NewTokens addition) {
        check(cache, List.of(addition));
        try (var scope = TensorScope.open("read")) {
            Made made = hidden(cache, List.of(addition), false);
            return scope.keep(logits(made, LongStream.range(0, addition.ids().length).toArray()));
        }
    }

    /// Whether the additions are those of the first slots, in their order.
    private static boolean isInOrder(List<NewTokens> additions) {
        return IntStream.range(0, additions.size()).allMatch(i -> additions.get(i).slot() == i);
    }

    private Tensor logits(KvCache cache, List<NewTokens> given, boolean alone) {
        List<NewTokens> additions =
                given.stream().map(a -> reread(cache, behindVirtual(cache, a))).toList();
        boolean oneEach = alone && additions.equals(given);
        try (var scope = TensorScope.open("read")) {
            Tensor own =
                    recordedLogits(cache, additions, oneEach)
                            .orElseGet(() -> logits(hidden(cache, additions, oneEach), additions));
            return scope.keep(
                    partner.map(p -> mixed(p, own, cache, known(additions), oneEach)).orElse(own));
        }
    }

    /// What a slot reads: before the first token of a sequence the adapter's virtual ones.
    private NewTokens behindVirtual(KvCache cache, NewTokens addition) {
        if (cache.held(addition.slot()) > 0) {
            return addition;
        }
        return decoder.input()
                .virtual(adapter)
                .map(v -> IntStream.concat(stream(v.ids()), stream(addition.ids())).toArray())
                .map(ids -> new NewTokens(addition.slot(), ids))
                .orElse(addition);
    }

    /// Additions without virtual tokens, which another decoder doesn't have.
    private List<NewTokens> known(List<NewTokens> additions) {
        int vocabulary = decoder.config().vocabSize();
        return additions.stream()
                .map(
                        a ->
                                new NewTokens(
                                        a.slot(),
                                        stream(a.ids()).filter(id -> id < vocabulary).toArray()))
                .toList();
    }

    /// Where LongRoPE goes over to its other frequencies, a sequence is read again by them, as
    /// transformers does: the whole of it in place of what is new.
    private NewTokens reread(KvCache cache, NewTokens addition) {
        int before = cache.held(addition.slot());
        boolean turns =
                decoder.config().positions() instanceof RopeConfig rope
                        && rope.scaling() instanceof RopeScaling.LongRope scaling
                        && before > 0
                        && before <= scaling.originalLength()
                        && before + addition.ids().length > scaling.originalLength();
        if (!turns) {
            return addition;
        }
        int[] whole = cache.with(addition.slot(), addition.ids());
        cache.truncate(addition.slot(), 0);
        return new NewTokens(addition.slot(), whole);
    }

    /// Logits of a step that a GPU's graph computes; empty where there is none.
    private Optional<Tensor> recordedLogits(
            KvCache cache, List<NewTokens> additions, boolean oneEach) {
        if (!oneEach || record.isPresent() || !rows(cache, additions).isOne()) {
            return Optional.empty();
        }
        Optional<Tensor> logits = cache.graphs().logits(decoder, adapter, additions);
        if (logits.isPresent()) {
            additions.forEach(a -> append(cache, a, ForwardRecord.NONE));
        }
        return logits;
    }

    private static Tensor mixed(
            Partner partner,
            Tensor own,
            KvCache cache,
            List<NewTokens> additions,
            boolean oneEach) {
        Tensor others = partner.reader().logits(cache.beside(), additions, oneEach); // (B, V)
        double share = partner.share();
        return own.to(DType.FLOAT32)
                .mul(1 - share)
                .addInPlace(others.to(DType.FLOAT32).mul(share)); // (B, V)
    }

    /// What the blocks made of tokens.
    ///
    /// @param hidden output of the last block, `(N, D)`
    /// @param first row of the record, or [ForwardRecord#NONE]
    private record Made(Tensor hidden, int first) {}

    private Made hidden(KvCache cache, List<NewTokens> additions, boolean oneEach) {
        int count = additions.stream().mapToInt(a -> a.ids().length).sum();
        int first = record.map(r -> r.reserve(count)).orElse(ForwardRecord.NONE);
        Optional<ForwardRecord> into = first == ForwardRecord.NONE ? Optional.empty() : record;
        AdapterRows rows = rows(cache, additions);
        Tensor x =
                (into.isEmpty()
                                ? DeviceStep.of(decoder, rows, cache, additions)
                                : Optional.<DeviceStep>empty())
                        .map(DeviceStep::run)
                        .orElseGet(() -> byBlocks(cache, additions, rows, oneEach, into, first));
        int row = first;
        for (NewTokens addition : additions) {
            append(cache, addition, row);
            row += into.isPresent() ? addition.ids().length : 0;
        }
        return new Made(x, first);
    }

    /// @param into gets what is computed, from its row `first` on
    /// @return output of the last block, `(N, D)`
    private Tensor byBlocks(
            KvCache cache,
            List<NewTokens> additions,
            AdapterRows rows,
            boolean oneEach,
            Optional<ForwardRecord> into,
            int first) {
        var step = new CachedStep(decoder, rows, cache, additions, oneEach, into, first);
        Tensor x = step.input(); // (N, D)
        Optional<Tensor> together = step.allBlocks(x);
        if (together.isPresent()) {
            x.close();
            return together.get();
        }
        int[] ids = additions.stream().flatMapToInt(a -> stream(a.ids())).toArray();
        for (int i = 0; i < decoder.blocks().size(); i++) {
            StopRequest.check();
            try (var scope = TensorScope.open("block")) {
                Tensor out = scope.keep(step.block(i, x));
                decoder.seeBehind(i, ids, out, rows.elsewhere(), Dropout.NONE);
                x.close();
                x = out;
            }
        }
        Tensor hidden = x;
        into.ifPresent(r -> r.putHidden(first, hidden));
        return x;
    }

    private void check(KvCache cache, List<NewTokens> additions) {
        for (NewTokens addition : additions) {
            if (addition.ids().length == 0) {
                throw new IllegalArgumentException("no token to read");
            }
            if (addition.slot() >= cache.slots()) {
                throw new RolloutException(
                        "slot %d is not in a cache of %d slots"
                                .formatted(addition.slot(), cache.slots()));
            }
            int length = cache.length(addition.slot()) + addition.ids().length;
            if (length > cache.capacity()
                    || behindVirtual(cache, addition).ids().length > cache.places()) {
                throw new RolloutException(
                        ("a sequence of %d tokens is too long for a cache of %d; use a shorter"
                                        + " prompt or a larger cache")
                                .formatted(length, cache.capacity()));
            }
            for (int id : addition.ids()) {
                if (!decoder.config().knows(id)) {
                    throw new RolloutException(
                            "token id %d is not in the vocabulary of %d; is the tokenizer this model's?"
                                    .formatted(id, decoder.config().vocabSize()));
                }
            }
        }
    }

    /// Logits after the last row of each addition, in the compute dtype or, where there is a bias
    /// or a cap, float32.
    private Tensor logits(Made made, List<NewTokens> additions) {
        long[] ends = new long[additions.size()];
        long end = 0;
        for (int i = 0; i < ends.length; i++) {
            end += additions.get(i).ids().length;
            ends[i] = end - 1;
        }
        return logits(made, ends);
    }

    /// Logits after some rows, all different and in order.
    private Tensor logits(Made made, long[] ends) {
        Tensor x = made.hidden();
        Tensor last =
                x.size(0) == ends.length
                        ? x
                        : x.indexSelect(0, Tensor.of(x.device(), ends, ends.length)); // (B, D)
        Tensor h = Tensor.empty(x.device(), x.dtype(), last.shape());
        decoder.finalNorm().forward(last, h, adapter);
        OutputLayer.Rows rows = decoder.output().rows(h, adapter, Dropout.NONE);
        Tensor z = rows.rounded(0, ends.length); // (B, V)
        if (made.first() != ForwardRecord.NONE) {
            int[] recorded = Arrays.stream(ends).mapToInt(e -> made.first() + (int) e).toArray();
            record.ifPresent(r -> r.putLogits(recorded, z));
        }
        return rows.roundsLogits() ? z : rows.widened(z);
    }
}
