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

    /// A block.
    ///
    /// @param inputNorm `(D)`
    /// @param queryNorm `(K)`, or null
    /// @param keyNorm `(K)`, or null
    /// @param postNorm `(D)`
    /// @param window keys that a token sees, itself included; 0: all
    public record Layer(
            Tensor inputNorm,
            Linear qkv,
            Tensor queryNorm,
            Tensor keyNorm,
            Linear output,
            Tensor postNorm,
            Linear gateUp,
            Linear down,
            int window) {
        private TokenStack.Layer addresses() {
            return new TokenStack.Layer(
                    VectorKernels.address(inputNorm),
                    qkv.addresses(),
                    VectorKernels.orZero(queryNorm),
                    VectorKernels.orZero(keyNorm),
                    output.addresses(),
                    VectorKernels.address(postNorm),
                    gateUp.addresses(),
                    down.addresses(),
                    window);
        }
    }

    /// What a block is given and writes, `B` rows of each from `first` on, of `qkv` from `firstQkv`
    /// on.
    ///
    /// @param cache its keys and values, `(S, C, 2, L, K)`
    /// @param qkv rotated, `(B, (CG + 2C) K)`
    /// @param attended attention output and the adapter's columns, `(B, CGK + R)`, or null
    /// @param x2 after attention, `(B, D)`
    /// @param gateUp `(B, 2F)`, or null
    /// @param reduced the adapter's columns of the down projection, `(B, R)`, or null
    /// @param out of the block, `(B, D)`
    public record Place(
            Tensor cache,
            Tensor qkv,
            Tensor attended,
            Tensor x2,
            Tensor gateUp,
            Tensor reduced,
            Tensor out,
            int first,
            int firstQkv) {
        private TokenStack.Place addresses() {
            return new TokenStack.Place(
                    rows(qkv, firstQkv),
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

    /// Runs all blocks.
    ///
    /// @param epsilon of all norms
    /// @param x input of the first block, `(B, D)`
    public static void run(
            AttentionShape shape,
            double epsilon,
            List<Layer> layers,
            Tensor x,
            List<Place> places,
            Rotation rotation,
            Sequences sequences) {
        int[] lengths = sequences.lengths();
        var stack = new TokenStack(shape, epsilon, layers.stream().map(Layer::addresses).toList());
        int longest = Arrays.stream(lengths).max().orElse(0) + 1;
        int threads = Engine.threads();
        VectorKernels.withMemory(
                "attune::tokens",
                stack.workBytes(lengths.length, longest, threads),
                memory ->
                        stack.run(
                                VectorKernels.rows(x),
                                places.stream().map(Place::addresses).toList(),
                                places.stream().map(p -> cache(p.cache(), shape)).toList(),
                                sequences.beginnings(),
                                rotation.kernel(),
                                lengths,
                                memory,
                                threads));
    }

    private static CacheRows cache(Tensor cache, AttentionShape shape) {
        return new CacheRows(
                VectorKernels.address(cache),
                true,
                shape.kvHeads(),
                Math.toIntExact(cache.size(3)),
                shape.headDim());
    }
}
