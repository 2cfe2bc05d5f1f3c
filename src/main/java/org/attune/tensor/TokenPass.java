package org.attune.tensor;

import org.attune.tensor.vector.AttentionShape;
import org.attune.tensor.vector.CacheRows;
import org.attune.tensor.vector.RotaryKernel;
import org.attune.tensor.vector.Rows;
import org.attune.tensor.vector.SharedBeginnings;
import org.attune.tensor.vector.TokenStack;

import java.util.Arrays;
import java.util.List;

/// All blocks of a decoder for one new token of each of several sequences, by one kernel
/// ([TokenStack]) on processors that multiply bfloat16 numbers.
///
/// Shapes: `B` sequences, `D` width, `C` key/value heads, `G` query heads of each, `K` head size,
/// `F` inner width, `R` columns of an adapter.
public final class TokenPass {
    private TokenPass() {}

    /// Most sequences of a pass: of more, products one by one are as fast.
    public static final int MOST_ROWS = TokenStack.MOST_ROWS;

    /// A layer.
    ///
    /// @param weight `(out, in)`, maybe with the second matrix of its adapter behind it, `(out, R)`
    /// @param bias `(out)`, or null
    /// @param reduce first matrix of its adapter, times its scale, `(R, in)`, or null: the adapter
    ///     is off
    /// @param updates of some rows by other adapters
    public record Linear(
            PackedMatrix weight, Tensor bias, PackedMatrix reduce, List<Update> updates) {
        /// Says that the layer's weight may have any number of rows. What is added to products is
        /// added to whole vectors, so bias and updates of others want a round number.
        public boolean fitsFewRows() {
            return bias == null && updates.isEmpty() || Rows.areWhole(weight.out());
        }

        private TokenStack.Linear addresses() {
            int rank = reduce == null ? 0 : reduce.out();
            return new TokenStack.Linear(
                    weight.in(),
                    weight.out(),
                    weight.address(),
                    weight.columns(),
                    VectorKernels.orZero(bias),
                    rank,
                    reduce == null ? 0 : reduce.address(),
                    updates.stream().map(Update::addresses).toList(),
                    weight.in() + updates.stream().mapToInt(Update::rank).reduce(rank, Math::max));
        }
    }

    /// What an adapter adds to some rows of a layer.
    ///
    /// @param first of the rows
    /// @param count of the rows
    /// @param reduce first matrix of the adapter, times its scale, `(R, in)`, with `R` even
    /// @param expand second matrix of the adapter, `(out, R)`
    /// @param factor of the sums, before the bias, float32 `(out)`, or null: 1
    public record Update(
            int first, int count, PackedMatrix reduce, PackedMatrix expand, Tensor factor) {
        private int rank() {
            return reduce.out();
        }

        private TokenStack.Update addresses() {
            return new TokenStack.Update(
                    first,
                    count,
                    rank(),
                    reduce.address(),
                    expand.address(),
                    VectorKernels.orZero(factor));
        }
    }

    /// Norms around a part of a block.
    ///
    /// @param before weights of that of what the part reads, or null
    /// @param after weights of that of what it puts out, or null
    public record Norms(Tensor before, Tensor after) {
        private TokenStack.Norms addresses() {
            return new TokenStack.Norms(VectorKernels.orZero(before), VectorKernels.orZero(after));
        }
    }

    /// What mixes tokens.
    public sealed interface Mixer {
        /// With its weights' addresses.
        TokenStack.Mixer addresses(AttentionShape shape);
    }

    /// Norms of queries and keys.
    ///
    /// @param query `(K)`, or of all heads together
    /// @param key likewise
    /// @param together whether they are of all heads of a row, and not of each
    public record HeadNorms(Tensor query, Tensor key, boolean together) {}

    /// Attention.
    ///
    /// @param qkv projections to queries, keys and values
    /// @param norms of queries and keys, or null
    /// @param gated whether a gate stands behind each query
    /// @param window keys that a token sees, itself included; 0: all
    /// @param rotation of the rows
    /// @param cache keys and values, `(S, C, 2, L, K)`
    public record Attention(
            Linear qkv,
            HeadNorms norms,
            boolean gated,
            int window,
            Rotation rotation,
            Tensor cache,
            Linear output)
            implements Mixer {
        @Override
        public TokenStack.Mixer addresses(AttentionShape shape) {
            return new TokenStack.Attention(
                    qkv.addresses(),
                    norms == null ? 0 : VectorKernels.address(norms.query()),
                    norms == null ? 0 : VectorKernels.address(norms.key()),
                    norms != null && norms.together(),
                    gated,
                    window,
                    rotation.kernel(),
                    new CacheRows(
                            VectorKernels.address(cache),
                            true,
                            shape.kvHeads(),
                            Math.toIntExact(cache.size(3)),
                            shape.headDim()),
                    output.addresses());
        }
    }

    /// Linear attention.
    ///
    /// @param in projections to queries, keys and values, gates, `b` and `a`, in this order
    /// @param inputs of all slots, `(S, J - 1, …)`, changed
    /// @param matrices of all slots, float32, changed
    public record Delta(
            Linear in, StateKernels.DeltaLayer layer, Tensor inputs, Tensor matrices, Linear out)
            implements Mixer {
        @Override
        public TokenStack.Mixer addresses(AttentionShape shape) {
            return new TokenStack.Delta(
                    in.addresses(),
                    layer.step(),
                    StateKernels.states(inputs, matrices),
                    out.addresses());
        }
    }

    /// What changes each token.
    public sealed interface Part {
        /// With its weights' addresses.
        TokenStack.Part addresses();
    }

    /// A gated feed-forward part.
    ///
    /// @param gateUp projections to gates and to what they open
    /// @param gelu whether gates are opened by GELU, and not by SiLU
    public record Gated(Linear gateUp, boolean gelu, Linear down) implements Part {
        @Override
        public TokenStack.FeedForward addresses() {
            return new TokenStack.FeedForward(gateUp.addresses(), gelu, down.addresses());
        }
    }

    /// Gated parts of which a router chooses some for each token.
    ///
    /// @param router projection to logits, of any number of rows
    /// @param choice chooses by them
    /// @param chosen parts of a token
    /// @param parts those that it chooses from, and behind them that of all tokens, if there is one
    /// @param gate whose sigmoid says how much of that a token takes, one row; or null: all
    public record Experts(
            Linear router, TokenStack.Choice choice, int chosen, List<Gated> parts, Linear gate)
            implements Part {
        @Override
        public TokenStack.Experts addresses() {
            return new TokenStack.Experts(
                    router.addresses(),
                    choice,
                    chosen,
                    parts.stream().map(Gated::addresses).toList(),
                    gate == null ? null : gate.addresses());
        }
    }

    /// A block.
    public record Layer(Norms mixerNorms, Mixer mixer, Norms feedForwardNorms, Part feedForward) {
        private TokenStack.Layer addresses(AttentionShape shape) {
            return new TokenStack.Layer(
                    mixerNorms.addresses(),
                    mixer.addresses(shape),
                    feedForwardNorms.addresses(),
                    feedForward.addresses());
        }
    }

    /// What a block writes, `B` rows of each from `first` on, of `projected` from `firstProjected`
    /// on.
    ///
    /// @param projected what the mixer's input is projected to, queries and keys rotated, `(B, …)`
    /// @param attended what is projected back and the adapter's columns, `(B, CGK + R)`, or null
    /// @param x2 behind the mixer, `(B, D)`
    /// @param gateUp `(B, 2F)`, or null
    /// @param reduced the adapter's columns of the down projection, `(B, R)`, or null
    /// @param out of the block, `(B, D)`
    public record Place(
            Tensor projected,
            Tensor attended,
            Tensor x2,
            Tensor gateUp,
            Tensor reduced,
            Tensor out,
            int first,
            int firstProjected) {
        private TokenStack.Place addresses() {
            return new TokenStack.Place(
                    rows(projected, firstProjected),
                    rows(attended, first),
                    rows(x2, first),
                    rows(gateUp, first),
                    rows(reduced, first),
                    rows(out, first));
        }

        private static Rows rows(Tensor t, int first) {
            if (t == null) {
                return null;
            }
            Rows all = VectorKernels.rows(t);
            return new Rows(all.address() + first * all.stride(), all.stride(), all.half());
        }
    }

    /// Rotary embedding of the rows.
    ///
    /// @param cos float32 `(B, 1, rotary / 2)`
    /// @param sin likewise
    public record Rotation(VectorKernels.RotatedHeads heads, Tensor cos, Tensor sin) {
        private RotaryKernel kernel() {
            return new RotaryKernel(
                    heads.queries(),
                    heads.keys(),
                    heads.headDim(),
                    heads.rotary(),
                    (float) heads.scale(),
                    VectorKernels.address(cos),
                    VectorKernels.address(sin));
        }
    }

    /// Sequences of the pass.
    ///
    /// @param beginnings their slots, and what they share
    /// @param lengths tokens in the cache already, `(B)`
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Sequences(SharedBeginnings beginnings, int[] lengths) {}

    /// What all blocks have alike.
    ///
    /// @param heads of attention
    /// @param epsilon of all norms
    /// @param offset of the norms' weights, which is added to them
    /// @param scale factor of what a part puts out, before it is added to the residual stream
    public record Shape(AttentionShape heads, double epsilon, double offset, double scale) {}

    /// Runs all blocks.
    ///
    /// @param x input of the first block, `(B, D)`
    public static void run(
            Shape shape, List<Layer> layers, Tensor x, List<Place> places, Sequences sequences) {
        int[] lengths = sequences.lengths();
        var stack =
                new TokenStack(
                        shape.heads(),
                        shape.epsilon(),
                        shape.offset(),
                        shape.scale(),
                        layers.stream().map(layer -> layer.addresses(shape.heads())).toList());
        int longest = Arrays.stream(lengths).max().orElse(0) + 1;
        int threads = Engine.threads();
        VectorKernels.withMemory(
                "attune::tokens",
                stack.workBytes(lengths.length, longest, threads),
                memory ->
                        stack.run(
                                VectorKernels.rows(x),
                                places.stream().map(Place::addresses).toList(),
                                sequences.beginnings(),
                                lengths,
                                memory,
                                threads));
    }
}
