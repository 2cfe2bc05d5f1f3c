package org.attune.model.decode;

import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.decode.CachedDecoder.NewTokens;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.AdapterRows;
import org.attune.model.layer.Block;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Dropout;
import org.attune.model.layer.Expression;
import org.attune.model.layer.FeedForward;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.LatentAttention;
import org.attune.model.layer.Mixer;
import org.attune.model.layer.Norm;
import org.attune.model.layer.SelfAttention;
import org.attune.model.layer.StateMixer;
import org.attune.model.layer.Succession;
import org.attune.model.layer.VariedAttention;
import org.attune.model.layer.VirtualTokens;
import org.attune.model.layer.Weight;
import org.attune.model.pass.HeadNorms;
import org.attune.model.pass.HeadViews;
import org.attune.model.pass.JointHeads;
import org.attune.model.pass.KeptRows;
import org.attune.model.pass.Layout;
import org.attune.model.pass.Rope;
import org.attune.model.pass.Ropes;
import org.attune.tensor.Kernels;
import org.attune.tensor.Tensor;
import org.attune.tensor.TokenPass;
import org.attune.tensor.VectorKernels;
import org.attune.tensor.vector.DecodeKernel;
import org.attune.tensor.vector.SharedBeginnings;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/// The forward pass of new tokens of several sequences over a [KvCache], of blocks of any
/// combination of parts. Kernels attend where they compute the same ([Rope#hasKernel]).
/// Its tables and masks live in the scope in which it is made.
///
/// Shapes: `N` new tokens, sequence by sequence, `C` key/value heads, `G` query heads per key/value
/// head, `K` head size, `D` model width, `F` inner width.
final class CachedStep implements Expression {
    private final Decoder decoder;
    private final DecoderConfig config;
    private final AdapterRows rows;
    private final Adapter adapter; // of everything but linear layers
    private final KvCache cache;
    private final Optional<ForwardRecord> record;
    private final int firstRecorded;
    private final Layout layout;
    private final Tensor tokens; // (N)
    private final Ropes ropes;
    private final Tensor scale; // (), of the attention scores
    private final int[] before; // tokens in the cache already, of each addition
    private final boolean hasKernel; // one token each, and a processor
    private final SharedBeginnings beginnings; // null without a kernel
    // (N·2C) by C: where the new keys and values go; none with a kernel
    private final Map<Integer, Tensor> cacheRows = new HashMap<>();
    private final Optional<JointHeads> prompts; // where all begin, and a processor
    private final Optional<VirtualTokens.Prefix> prefix; // that is among the tokens
    private final List<CachedAttention> groups = new ArrayList<>();
    private final Succession succession; // null without a state
    private final SlotStates states; // null without a state
    private final Map<Long, Tensor> inputs = new HashMap<>(); // of layers, by width
    private Optional<Tensor> vectors = Optional.empty(); // that layers read, (N, L, P)

    /// @param additions new tokens of different slots
    /// @param oneEach whether they are one token each, of sequences that are being generated
    /// @param record keeps what is computed for them
    /// @param firstRecorded its row of the first
    CachedStep(
            Decoder decoder,
            AdapterRows rows,
            KvCache cache,
            List<NewTokens> additions,
            boolean oneEach,
            Optional<ForwardRecord> record,
            int firstRecorded) {
        this.record = record;
        this.firstRecorded = firstRecorded;
        this.decoder = decoder;
        this.config = decoder.config();
        this.rows = rows;
        adapter = rows.elsewhere();
        this.cache = cache;
        layout = cache.layout(config, additions);
        hasKernel = oneEach && Rope.hasKernel(config, decoder.device(), decoder.dtype());
        before = additions.stream().mapToInt(a -> cache.held(a.slot())).toArray();
        // What is sent to a GPU is made before anything is computed there: so it goes together.
        tokens = decoder.input().index(layout.tokens());
        prefix = VirtualTokens.Prefix.of(decoder, adapter, layout.tokens());
        succession = config.keepsState() ? succession() : null;
        states = config.keepsState() ? SlotStates.of(cache, additions) : null;
        for (int layer = 0; !hasKernel && layer < config.layers(); layer++) {
            int heads = config.attention().sizes(layer).kvHeads();
            cacheRows.computeIfAbsent(heads, count -> cacheRows(additions, count));
        }
        beginnings = hasKernel ? beginnings(additions) : null;
        prompts = hasKernel ? Optional.empty() : prompts();
        if (!hasKernel && prompts.isEmpty()) {
            addGroups(additions);
        }
        ropes = Ropes.of(config, layout, decoder.device(), decoder.dtype());
        scale = Tensor.full(decoder.device(), decoder.dtype(), config.attention().scale());
        for (FusedLinear linear : decoder.blockLinears()) {
            inputs.computeIfAbsent(width(linear), this::rows);
        }
    }

    private Succession succession() {
        List<Succession.Span> spans =
                layout.spans().stream()
                        .map(s -> new Succession.Span(-1, s.start(), s.end()))
                        .toList();
        int depth = config.block().mixers().state().orElseThrow().taps() - 1;
        return new Succession(decoder.device(), layout.size(), spans, depth, true);
    }

    private SharedBeginnings beginnings(List<NewTokens> additions) {
        int[] slots = additions.stream().mapToInt(NewTokens::slot).toArray();
        return config.positions().dependsOnLength()
                ? SharedBeginnings.none(slots)
                : cache.beginnings(slots);
    }

    private void addGroups(List<NewTokens> additions) {
        int row = 0;
        for (int from = 0; from < additions.size(); ) {
            int to = CachedAttention.alike(additions, from);
            List<NewTokens> group = additions.subList(from, to);
            groups.add(new CachedAttention(decoder, cache, group, row));
            row += (to - from) * additions.get(from).ids().length;
            from = to;
        }
    }

    /// Attention of sequences that see nothing but what is read now.
    private Optional<JointHeads> prompts() {
        boolean begin = Arrays.stream(before).allMatch(length -> length == 0);
        return begin && JointHeads.suits(config, layout, decoder.device(), decoder.dtype())
                ? Optional.of(new JointHeads(config, layout, decoder.dtype()))
                : Optional.empty();
    }

    private Tensor cacheRows(List<NewTokens> additions, int heads) {
        long[] rows = cache.rowNumbers(heads, additions, layout.positions());
        return Tensor.of(decoder.device(), rows, rows.length);
    }

    /// What the first block reads, `(N, D)`.
    Tensor input() {
        Tensor x = decoder.input().forward(tokens, layout.tokens(), layout.positions(), adapter);
        decoder.see(layout.tokens(), x, adapter, Dropout.NONE);
        vectors =
                decoder.blocks()
                        .getFirst()
                        .end()
                        .makes()
                        .map(inputs -> inputs.of(x, layout.tokens(), this));
        return x;
    }

    /// All blocks by one kernel, if that can do it; what is recorded is recorded.
    ///
    /// @param x `(N, D)`
    /// @return `(N, D)`
    Optional<Tensor> allBlocks(Tensor x) {
        if (!hasKernel
                || before.length > TokenPass.MOST_ROWS
                || decoder.seeingDepth(layout.tokens()) > 0) {
            return Optional.empty();
        }
        var context = new TokenBlocks.Context(rows, cache, ropes, layer -> states.of(layer));
        return TokenBlocks.of(decoder, context)
                .map(
                        blocks -> {
                            var sequences = new TokenPass.Sequences(beginnings, before);
                            List<TokenPass.Place> places =
                                    record.map(r -> r.places(firstRecorded, x))
                                            .orElseGet(() -> blocks.places(before.length));
                            blocks.run(x, places, sequences);
                            Tensor out = places.getLast().out();
                            return record.isEmpty()
                                    ? out
                                    : out.narrow(0, firstRecorded, before.length).copy();
                        });
    }

    /// Computes one block.
    ///
    /// @param x `(N, D)`
    /// @return `(N, D)`
    Tensor block(int layer, Tensor x) {
        Block b = decoder.blocks().get(layer);
        if (b.feedForward().isEmpty() || !b.addsAlone()) {
            return byParts(b, layer, x);
        }
        if (b.mixers().size() == 1
                && b.mixers().getFirst() instanceof StateMixer s
                && s.isBetween()) {
            return fed(b, x, state(s, b.mixerNorms(), layer, x), (_, _) -> {});
        }
        if (b.onlyAttention().isEmpty() || config.block().mixers().attentionScale() != 1) {
            return byParts(b, layer, x);
        }
        SelfAttention attention = b.onlyAttention().get();
        Tensor h = read(b.mixerNorms().before(), x, attention.qkv()); // (N, D + …)
        Tensor o = input(attention.output()); // (N, CGK + …)
        Tensor y = attended(attention, layer, h, o);
        Tensor x2 = put(b.mixerNorms().after(), attention.output(), o, x); // (N, D)
        return fed(b, x, x2, (inner, down) -> keep(layer, new KeptRows(x, y, o, x2, inner, down)));
    }

    private void keep(int layer, KeptRows rows) {
        record.ifPresent(r -> r.put(layer, firstRecorded, rows));
    }

    /// @param h input of the projections, `(N, D + …)`
    /// @param o what is projected back; its first columns are written
    /// @return projections, `(N, (CG + 2C) K)`
    private Tensor attended(SelfAttention a, int layer, Tensor h, Tensor o) {
        Tensor y = HeadViews.inOrder(a, product(a.qkv(), h), config);
        attend(a, layer, y, o);
        a.inner().ifPresent(n -> norm(n, o, a.output().in()));
        return y;
    }

    /// A mixer with a state between its projections, and the residual stream.
    private Tensor state(StateMixer s, Block.Norms norms, int layer, Tensor x) {
        Tensor y = product(s.in(), read(norms.before(), x, s.in()));
        Tensor mixed = s.between(y, this, succession.after(states.of(layer)));
        Tensor o = input(s.out()); // (N, O + …)
        o.narrow(1, 0, mixed.size(1)).copyInPlace(mixed);
        return put(norms.after(), s.out(), o, x);
    }

    /// The feed-forward part, and the residual stream.
    ///
    /// @param x input of the block
    /// @param x2 behind its mixer
    /// @param made is given what a dense part is projected to, and the adapter's columns behind it,
    ///     or null
    private Tensor fed(Block b, Tensor x, Tensor x2, BiConsumer<Tensor, Tensor> made) {
        Tensor from = b.order().isParallel() ? x : x2;
        if (!(b.feedForward().orElseThrow() instanceof FeedForward.Dense f)) {
            return feedForward(b.feedForward().orElseThrow(), b.feedForwardNorms(), from, x2);
        }
        Tensor h2 = read(b.feedForwardNorms().before(), from, f.up()); // (N, D + …)
        Tensor inner = product(f.up(), h2); // (N, 2F), or (N, F)
        Tensor a = input(f.down()); // (N, F + …)
        f.activate(inner, () -> rows(f.down().in()), a);
        Tensor out = put(b.feedForwardNorms().after(), f.down(), a, x2); // (N, D)
        int columns = f.down().extra(adapter);
        made.accept(inner, columns == 0 ? null : a.narrow(1, f.down().in(), columns));
        return out;
    }

    /// A block with a mixer that isn't usual attention, with two, with one part only, or that
    /// changes its output or the way to it.
    private Tensor byParts(Block b, int layer, Tensor x) {
        Optional<Tensor> vector = vectors.map(all -> all.select(1, layer));
        return b.around(x, copy -> parts(b, layer, copy), vector, this);
    }

    private Tensor parts(Block b, int layer, Tensor x) {
        Tensor x2 = x;
        if (!b.mixers().isEmpty()) {
            Tensor h = normed(b.mixerNorms().before(), x);
            Tensor sum = null;
            for (Mixer mixer : b.mixers()) {
                Tensor part =
                        switch (mixer) {
                            case SelfAttention a -> attention(a, layer, h);
                            case LatentAttention a -> latent(a, layer, h);
                            case VariedAttention a -> varied(a, layer, h);
                            case StateMixer s ->
                                    s.apply(h, this, succession.after(states.of(layer)));
                        };
                sum = sum == null ? part : sum.addInPlace(part);
            }
            x2 = b.behindMixers(add(b.mixerNorms().after(), sum, x), h, this);
        }
        Tensor from = b.order().isParallel() ? x : x2;
        Tensor to = x2;
        return b.feedForward()
                .map(part -> feedForward(part, b.feedForwardNorms(), from, to))
                .orElse(x2);
    }

    private Tensor attention(SelfAttention a, int layer, Tensor h) {
        Tensor columns = input(a.qkv());
        columns.narrow(1, 0, a.qkv().in()).copyInPlace(h);
        Tensor o = input(a.output()); // (N, CGK + …)
        attended(a, layer, columns, o);
        Tensor out = product(a.output(), o);
        double factor = config.block().mixers().attentionScale();
        return factor == 1 ? out : out.mulInPlace(factor);
    }

    /// Keys and values are cached as heads have them, the shorter ones with zeros behind.
    private Tensor latent(LatentAttention a, int layer, Tensor h) {
        AttentionConfig c = config.attention();
        LatentAttention.Heads heads = a.heads(h, c, this, x -> ropes.all().apply(x));
        putRows(layer, Tensor.cat(1, padded(heads.keys()), padded(heads.values())));
        Tensor q = heads.queries().mul(scale).contiguous(); // (N, H, K)
        Tensor o = input(a.output()); // (N, HV + …)
        groups.forEach(g -> g.attend(q, layer, 0, Optional.empty(), o));
        return product(a.output(), o);
    }

    /// Layers that attend to another's keys and values find them in the cache.
    private Tensor varied(VariedAttention a, int layer, Tensor h) {
        Rope rope = ropes.of(a.window());
        if (a.keysAndValues().isPresent()) {
            putRows(layer, Tensor.cat(1, a.keysAndValues(h, this, rope::apply)));
        }
        Tensor q = a.queries(h, this, rope::apply).mul(scale).contiguous(); // (N, CG, K)
        Tensor o = input(a.output()); // (N, CGK + …)
        groups.forEach(g -> g.attend(q, layer, a.window(), Optional.empty(), o));
        return product(a.output(), o);
    }

    /// @param x `(N, heads, features)` of latent attention, which is alike in all layers
    private Tensor padded(Tensor x) {
        long missing = config.attention().cachedDim(0) - x.size(2);
        return missing == 0
                ? x
                : Tensor.cat(
                        2, x, Tensor.zeros(x.device(), x.dtype(), x.size(0), x.size(1), missing));
    }

    /// A feed-forward part as an expression, and the residual stream that it is added to.
    private Tensor feedForward(FeedForward part, Block.Norms norms, Tensor from, Tensor to) {
        return add(norms.after(), part.apply(normed(norms.before(), from), this), to);
    }

    private Tensor normed(Optional<Norm> norm, Tensor x) {
        Tensor h = rows(config.hiddenSize());
        norm.ifPresentOrElse(n -> n.forward(x, h, adapter), () -> h.copyInPlace(x));
        return h;
    }

    @Override
    public Tensor value(Weight weight) {
        return weight.value(adapter);
    }

    @Override
    public Expression some(int[] some) {
        return rows.isOne() ? this : new ChosenRows(this, rows.some(some));
    }

    /// A linear layer of all rows, or of any if they are of one adapter.
    ///
    /// @param x `(n, in)`
    @Override
    public Tensor of(FusedLinear linear, Tensor x) {
        return of(linear, x, rows);
    }

    /// @param own the adapters of the rows
    Tensor of(FusedLinear linear, Tensor x, AdapterRows own) {
        Tensor columns = Tensor.empty(decoder.device(), decoder.dtype(), x.size(0), width(linear));
        columns.narrow(1, 0, linear.in()).copyInPlace(x);
        return linear.forward(columns, own, null);
    }

    private Tensor product(FusedLinear linear, Tensor columns) {
        return linear.forward(columns, rows, null);
    }

    /// Norms the first columns of rows where they are.
    private void norm(Norm norm, Tensor rows, int columns) {
        norm.forward(rows.narrow(1, 0, columns).copy(), rows, adapter);
    }

    /// The input of a part of the block, normed or as it is.
    private Tensor read(Optional<Norm> norm, Tensor x, FusedLinear linear) {
        Tensor h = input(linear);
        norm.ifPresentOrElse(
                n -> n.forward(x, h, adapter), () -> h.narrow(1, 0, linear.in()).copyInPlace(x));
        return h;
    }

    /// What a part puts out, normed or as it is, plus the residual stream.
    private Tensor put(Optional<Norm> norm, FusedLinear linear, Tensor h, Tensor residual) {
        if (norm.isEmpty() && config.block().residualScale() == 1) {
            return linear.forward(h, rows, residual);
        }
        return add(norm, product(linear, h), residual);
    }

    /// @param y what a part puts out; changed
    private Tensor add(Optional<Norm> norm, Tensor y, Tensor residual) {
        double scale = config.block().residualScale();
        norm.ifPresent(n -> n.forward(y, y, adapter));
        return (scale == 1 ? y : y.mulInPlace(scale)).addInPlace(residual);
    }

    /// Columns of a layer's input and of its adapter.
    private long width(FusedLinear linear) {
        return linear.in() + (long) linear.extra(adapter);
    }

    /// Memory for a layer's input, which all layers of its width use in turn: what was allocated
    /// for each would be in no processor's cache.
    private Tensor input(FusedLinear linear) {
        return inputs.get(width(linear));
    }

    private Tensor rows(long width) {
        return Tensor.empty(decoder.device(), decoder.dtype(), layout.size(), width);
    }

    /// Norms and rotates queries and keys, writes keys and values into the cache, and attends.
    ///
    /// @param y projections, `(N, (CG + 2C) K)`, gates among them where there are some; changed
    /// @param out `(N, CGK + …)`; its first columns are written
    private void attend(SelfAttention b, int layer, Tensor y, Tensor out) {
        if (!config.attention().gated()) {
            attendUngated(b, layer, y, out);
            return;
        }
        Tensor gates = HeadViews.gates(y, config).sigmoid(); // (N, CGK)
        attendUngated(b, layer, HeadViews.withoutGates(y, config), out);
        out.narrow(1, 0, gates.size(1)).mulInPlace(gates);
    }

    private void attendUngated(SelfAttention b, int layer, Tensor y, Tensor out) {
        if (!config.attention().qkNorm().isAfterRotation()) {
            HeadNorms.apply(b, y, config, adapter);
        }
        if (hasKernel) {
            ropes.of(b).rotateJoint(y, false);
            var kernel = new DecodeKernel(HeadViews.shape(config), b.window());
            VectorKernels.decode(kernel, y, cache.block(layer), beginnings, before, out);
        } else if (prompts.isPresent()) {
            ropes.of(b).rotateJoint(y, false);
            putPrefix(b, y);
            putIntoCache(layer, y);
            prompts.get().attend(b.window(), y, out);
        } else {
            Tensor q = append(b, layer, y); // (N, CG, K)
            Optional<Tensor> sinks = b.sinks().map(w -> w.value(adapter));
            groups.forEach(g -> g.attend(q, layer, b.window(), sinks, out));
        }
    }

    private void putPrefix(SelfAttention b, Tensor y) {
        prefix.ifPresent(p -> p.put(b, HeadViews.keys(y, config), HeadViews.values(y, config)));
    }

    /// @param y projections with rotated keys, `(N, (CG + 2C) K)`
    private void putIntoCache(int layer, Tensor y) {
        putRows(layer, HeadViews.keysAndValues(y, config));
    }

    /// @param rows keys, then values, `(N, 2C, K)`
    private void putRows(int layer, Tensor rows) {
        long size = config.attention().cachedDim(layer);
        Tensor places = cacheRows.get(config.attention().sizes(layer).kvHeads());
        Kernels.indexCopy(
                cache.rows(layer),
                places,
                rows.contiguous()
                        .viewAs(new long[] {places.size(), size}, new long[] {size, 1}, 0));
    }

    /// Rotates queries and keys, and writes keys and values into the cache.
    ///
    /// @param y projections, `(N, (CG + 2C) K)`; changed
    /// @return queries, scaled, `(N, CG, K)`
    private Tensor append(SelfAttention b, int layer, Tensor y) {
        Tensor queries = HeadViews.queries(y, config); // (N, CG, K)
        if (b.rotates()) {
            ropes.of(b.window()).rotateInPlace(HeadViews.queriesAndKeys(y, config));
        }
        if (config.attention().qkNorm().isAfterRotation()) {
            HeadNorms.apply(b, y, config, adapter);
        }
        putPrefix(b, y);
        putIntoCache(layer, y);
        Tensor grown = config.grows(b.rotates()) ? ropes.of(b).grown(queries) : queries;
        Tensor scaled = grown.mul(scale).contiguous();
        if (record.isPresent()) {
            queries.copyInPlace(scaled);
        }
        return scaled;
    }
}
