package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/// Tokens that an adapter puts before every sequence, `P` of them. They stand in passes as rows of
/// ids behind the vocabulary, so they are laid out, shared and cached as others are. What they are
/// is trained: vectors in place of embeddings ([Lester et al.
/// 2021](https://arxiv.org/abs/2104.08691)), or the keys and values that attention has of them in
/// each layer ([Li and Liang 2021](https://arxiv.org/abs/2101.00190)).
///
/// Shapes: `D` model width, `L` layers, `C` key/value heads, `K` head size.
public final class VirtualTokens {
    private final int first;
    private final Tensor table; // (P, D), or (P, L, 2, C, K)
    private final Optional<IdentityHashMap<SelfAttention, Integer>> layers; // of a prefix
    private final Optional<Tensor> gradient; // as the table, float32
    private final Consumer<Tensor> learner;

    private VirtualTokens(
            Decoder decoder,
            Tensor table,
            Optional<IdentityHashMap<SelfAttention, Integer>> layers,
            Optional<Consumer<Tensor>> learner) {
        this.first = decoder.config().vocabSize();
        this.table = table;
        this.layers = layers;
        this.learner = learner.orElse(null);
        gradient = learner.map(_ -> Tensor.zeros(table.device(), DType.FLOAT32, table.shape()));
    }

    /// Vectors in place of embeddings.
    ///
    /// @param table `(P, D)` in the compute dtype; borrowed, and may change between passes
    /// @param learner gets the table's gradient of each pass; empty if it isn't trained
    public static VirtualTokens vectors(
            Decoder decoder, Tensor table, Optional<Consumer<Tensor>> learner) {
        return new VirtualTokens(decoder, table, Optional.empty(), learner);
    }

    /// Keys and values, as they stand in a cache: neither normed nor rotated by anything.
    ///
    /// @param decoder of which all blocks have usual attention
    /// @param table `(P, L · 2 · C · K)` in the compute dtype: the keys of a layer, then its
    ///     values; borrowed, and may change between passes
    /// @param learner as of [#vectors]
    public static VirtualTokens prefix(
            Decoder decoder, Tensor table, Optional<Consumer<Tensor>> learner) {
        var layers = new IdentityHashMap<SelfAttention, Integer>();
        for (Block block : decoder.blocks()) {
            layers.put(block.onlyAttention().orElseThrow(), layers.size());
        }
        long heads = decoder.config().kvHeads();
        Tensor byLayer =
                table.reshape(table.size(0), layers.size(), 2, heads, decoder.config().headDim());
        return new VirtualTokens(decoder, byLayer, Optional.of(layers), learner);
    }

    /// Number of tokens, `P`.
    public int count() {
        return Math.toIntExact(table.size(0));
    }

    /// Ids, `(P)`.
    public int[] ids() {
        return IntStream.range(first, first + count()).toArray();
    }

    /// Whether attention is given their keys and values.
    public boolean isPrefix() {
        return layers.isPresent();
    }

    /// First rows of them among the rows of a pass; one for each time that they stand there.
    ///
    /// @param ids of the pass's tokens
    public List<Integer> starts(int[] ids) {
        return IntStream.range(0, ids.length).filter(row -> ids[row] == first).boxed().toList();
    }

    /// Writes their vectors among others; zeros for a prefix, which nothing reads.
    ///
    /// @param x `(N, D)`
    /// @param scale what vectors are multiplied by
    void put(int[] ids, Tensor x, double scale) {
        List<Integer> starts = starts(ids);
        if (starts.isEmpty()) {
            return;
        }
        Tensor rows = scale == 1 || isPrefix() ? table : table.mul(scale);
        for (int start : starts) {
            Tensor own = x.narrow(0, start, count());
            if (isPrefix()) {
                own.zeroInPlace();
            } else {
                own.copyInPlace(rows);
            }
        }
    }

    /// Ends a backward pass.
    ///
    /// @param d gradient of what the first block reads, `(N, D)`
    /// @param scale as of [#put]
    void learn(int[] ids, Tensor d, double scale) {
        if (gradient.isEmpty()) {
            return;
        }
        try (var _ = TensorScope.open("virtual")) {
            for (int start : isPrefix() ? List.<Integer>of() : starts(ids)) {
                Tensor own = d.narrow(0, start, count()).to(DType.FLOAT32);
                gradient.get().addInPlace(scale == 1 ? own : own.mul(scale));
            }
            learner.accept(gradient.get().reshape(count(), table.size() / count()));
            gradient.get().zeroInPlace();
        }
    }

    /// The keys of a layer's prefix, a view `(P, C, K)`.
    public Tensor keys(SelfAttention attention) {
        return of(table, attention, 0);
    }

    /// The values of a layer's prefix, a view `(P, C, K)`.
    public Tensor values(SelfAttention attention) {
        return of(table, attention, 1);
    }

    /// Adds to the gradient of a layer's keys, if it is trained.
    ///
    /// @param d `(P, C, K)`
    public void learnKeys(SelfAttention attention, Tensor d) {
        gradient.ifPresent(g -> of(g, attention, 0).addInPlace(d.to(DType.FLOAT32)));
    }

    /// Adds to the gradient of a layer's values, if it is trained.
    ///
    /// @param d `(P, C, K)`
    public void learnValues(SelfAttention attention, Tensor d) {
        gradient.ifPresent(g -> of(g, attention, 1).addInPlace(d.to(DType.FLOAT32)));
    }

    private Tensor of(Tensor all, SelfAttention attention, int which) {
        return all.select(1, layers.orElseThrow().get(attention)).select(1, which);
    }

    /// The rows of a pass whose keys and values an adapter gives. What blocks made of these rows is
    /// replaced before attention reads it, and learns nothing.
    ///
    /// @param tokens that they are of
    /// @param starts first row of each time that they stand there
    public record Prefix(VirtualTokens tokens, List<Integer> starts) {
        /// The prefix among the tokens of a pass, if there is one.
        public static Optional<Prefix> of(Decoder decoder, Adapter adapter, int[] ids) {
            return decoder.input()
                    .virtual(adapter)
                    .filter(VirtualTokens::isPrefix)
                    .map(v -> new Prefix(v, v.starts(ids)))
                    .filter(rows -> !rows.starts().isEmpty());
        }

        /// Writes keys and values among those of other rows, which are normed and rotated.
        ///
        /// @param keys `(N, C, K)`
        /// @param values `(N, C, K)`
        public void put(SelfAttention a, Tensor keys, Tensor values) {
            for (int start : starts) {
                keys.narrow(0, start, tokens.count()).copyInPlace(tokens.keys(a));
                values.narrow(0, start, tokens.count()).copyInPlace(tokens.values(a));
            }
        }

        /// Takes the gradients of these rows away from those of others.
        ///
        /// @param dKeys `(N, C, K)`
        /// @param dValues `(N, C, K)`
        public void learn(SelfAttention a, Tensor dKeys, Tensor dValues) {
            for (int start : starts) {
                Tensor ofKeys = dKeys.narrow(0, start, tokens.count());
                Tensor ofValues = dValues.narrow(0, start, tokens.count());
                tokens.learnKeys(a, ofKeys);
                tokens.learnValues(a, ofValues);
                ofKeys.zeroInPlace();
                ofValues.zeroInPlace();
            }
        }

        /// Rows with those of the prefix in their places, as an expression for autograd.
        ///
        /// @param rows `(N, C, K)`
        /// @param own those of the prefix, `(P, C, K)`
        public Tensor among(Tensor rows, Tensor own) {
            List<Tensor> parts = new ArrayList<>();
            long end = 0;
            for (int start : starts) {
                parts.add(rows.narrow(0, end, start - end));
                parts.add(own);
                end = start + (long) tokens.count();
            }
            parts.add(rows.narrow(0, end, rows.size(0) - end));
            return Tensor.cat(0, parts.toArray(Tensor[]::new));
        }
    }
}
