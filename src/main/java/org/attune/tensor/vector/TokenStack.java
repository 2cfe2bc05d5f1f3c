package org.attune.tensor.vector;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// All blocks of a decoder for one new token of each of several sequences, as one piece of work in
/// bfloat16. Threads share each product's panels, meet, and go on. Nothing is handed over between
/// calls, and a product's result is used while it is in the cache. Weights come from memory at its
/// full speed.
///
/// `B` sequences, `D` width, `C` key/value heads, `G` query heads of each, `K` head size, `F` inner
/// width, `R` columns of an adapter. Rows may be of several adapters. Addresses of weights are of
/// bfloat16 numbers; 0 is none.
///
/// @param shape heads of attention
/// @param epsilon of all norms
/// @param offset of the norms' weights, see [NormKernel]
/// @param scale factor of what a part puts out, before it is added to the residual stream
/// @param layers the blocks
public record TokenStack(
        AttentionShape shape, double epsilon, double offset, double scale, List<Layer> layers) {
    /// Most sequences: of more, products are as fast one by one.
    public static final int MOST_ROWS = 256;

    /// A layer `y = [x | x A] [W | B]ᵀ + b`.
    ///
    /// @param in a multiple of 32
    /// @param out likewise
    /// @param panels of `[W | B]`, see [Panels]
    /// @param columns of the panels, ≥ `in + R`
    /// @param bias `(out)`
    /// @param rank `R`, even; 0 without an adapter
    /// @param reduce panels of `Aᵀ`, `(R, in)`
    /// @param updates of rows by other adapters
    /// @param stride columns of the input in memory: `in` and the most of an adapter
    public record Linear(
            int in,
            int out,
            long panels,
            int columns,
            long bias,
            int rank,
            long reduce,
            List<Update> updates,
            int stride) {
        /// Rows of a panel.
        int wide() {
            return Panels.wide(out);
        }

        /// Columns that are multiplied.
        int depth() {
            return in + rank;
        }

        boolean hasUpdate() {
            return stride > in;
        }

        /// The layer for some rows that stand together.
        ///
        /// @param rows numbers that they have among all, rising
        Linear of(int[] rows) {
            if (updates.isEmpty()) {
                return this;
            }
            List<Update> own = new ArrayList<>();
            for (Update u : updates) {
                int first = before(rows, u.first());
                int count = before(rows, u.first() + u.count()) - first;
                if (count > 0) {
                    own.add(new Update(first, count, u.rank(), u.reduce(), u.expand(), u.factor()));
                }
            }
            return new Linear(in, out, panels, columns, bias, rank, reduce, own, stride);
        }

        private static int before(int[] rows, int end) {
            int count = 0;
            while (count < rows.length && rows[count] < end) {
                count++;
            }
            return count;
        }
    }

    /// What an adapter adds to some rows, `x A B`, and what it multiplies the sums by, in float32.
    ///
    /// @param first of the rows
    /// @param count of the rows
    /// @param rank `R`, even
    /// @param reduce panels of `Aᵀ`, `(R, in)`
    /// @param expand panels of `Bᵀ`, `(out, R)`
    /// @param factor float32 `(out)`, or 0: 1
    public record Update(int first, int count, int rank, long reduce, long expand, long factor) {}

    /// Norms around a part of a block.
    ///
    /// @param before weights of that of what the part reads
    /// @param after weights of that of what it puts out
    public record Norms(long before, long after) {}

    /// What mixes tokens.
    public sealed interface Mixer {
        /// The projection of the input.
        Linear in();

        /// The projection back.
        Linear out();
    }

    /// Attention.
    ///
    /// @param in projections to queries, keys and values
    /// @param queryNorm weights of the norm of queries
    /// @param keyNorm likewise
    /// @param together whether the norms are of all heads of a row, and not of each
    /// @param gated whether a gate stands behind each query
    /// @param window as of [DecodeKernel]
    /// @param rotary of the rows
    /// @param cache as [DecodeKernel#attend] is given it
    public record Attention(
            Linear in,
            long queryNorm,
            long keyNorm,
            boolean together,
            boolean gated,
            int window,
            RotaryKernel rotary,
            CacheRows cache,
            Linear out)
            implements Mixer {}

    /// Linear attention by the delta rule.
    ///
    /// @param in projections to queries, keys and values, gates, `b` and `a`, in this order
    /// @param states of all slots of the cache
    public record Delta(Linear in, DeltaStep step, DeltaStep.States states, Linear out)
            implements Mixer {}

    /// What changes each token.
    public sealed interface Part {
        /// All layers.
        Stream<Linear> linears();
    }

    /// A gated feed-forward part.
    ///
    /// @param in projections to gates and to what they open
    /// @param gelu as of [SwigluKernel]
    public record FeedForward(Linear in, boolean gelu, Linear out) implements Part {
        @Override
        public Stream<Linear> linears() {
            return Stream.of(in, out);
        }
    }

    /// Says which parts a row takes. Several threads ask it at once.
    public interface Choice {
        /// @param logits of a row
        /// @param chosen written: numbers of the parts
        /// @param weights written: of these, in the same order
        void choose(float[] logits, int[] chosen, float[] weights);
    }

    /// Gated parts of which a router chooses `k` for each row, and one that all rows take.
    ///
    /// @param router projection to a logit of each that it chooses from
    /// @param choice chooses by the logits
    /// @param chosen `k`
    /// @param parts those that it chooses from, and behind them that of all rows, if there is one
    /// @param gate its sigmoid says how much of that a row takes; null: all
    public record Experts(
            Linear router, Choice choice, int chosen, List<FeedForward> parts, Linear gate)
            implements Part {
        @Override
        public Stream<Linear> linears() {
            return Stream.concat(
                    gate == null ? Stream.of(router) : Stream.of(router, gate),
                    parts.stream().flatMap(FeedForward::linears));
        }

        /// Whether there is a part that all rows take.
        boolean hasShared() {
            return parts.size() > router.out();
        }

        /// Parts that a row takes.
        int each() {
            return chosen + (hasShared() ? 1 : 0);
        }
    }

    /// A block.
    public record Layer(Norms mixerNorms, Mixer mixer, Norms feedForwardNorms, Part feedForward) {
        private Stream<Linear> linears() {
            return Stream.concat(Stream.of(mixer.in(), mixer.out()), feedForward.linears());
        }

        /// Whether what a part puts out isn't added as it is.
        boolean putsApart() {
            return mixerNorms.after() != 0
                    || feedForwardNorms.after() != 0
                    || feedForward instanceof Experts;
        }

        /// Rows that are brought together for parts, of `rows`.
        int places(int rows) {
            return feedForward instanceof Experts e ? rows * e.each() : 0;
        }
    }

    /// Where a block's rows go, `B` of each.
    ///
    /// @param projected what the mixer's input is projected to, queries and keys rotated
    /// @param attended what is projected back and the adapter's columns, or null: not wanted
    /// @param x2 behind the mixer, `(B, D)`
    /// @param gateUp `(B, 2F)`, or null: not wanted
    /// @param reduced the adapter's columns of the down projection, or null: not wanted
    /// @param out of the block, `(B, D)`
    public record Place(
            Rows projected, Rows attended, Rows x2, Rows gateUp, Rows reduced, Rows out) {}

    public TokenStack {
        layers = List.copyOf(layers);
    }

    Stream<Linear> linears() {
        return layers.stream().flatMap(Layer::linears);
    }

    int width() {
        return layers.getFirst().mixer().out().out();
    }

    /// Bytes to work in.
    ///
    /// @param rows `B`
    /// @param longest most tokens of a sequence, the new one included
    public long workBytes(int rows, int longest, int threads) {
        return new TokenMemory(this, rows, longest, threads, 0).end();
    }

    /// @param x input of the first block, `(B, D)`
    /// @param places where each block's rows go
    /// @param lengths tokens that are in the cache already, `(B)`
    /// @param memory of [#workBytes]
    public void run(
            Rows x,
            List<Place> places,
            SharedBeginnings beginnings,
            int[] lengths,
            long memory,
            int threads) {
        int longest = 0;
        for (int length : lengths) {
            longest = Math.max(longest, length + 1);
        }
        var work = new TokenMemory(this, lengths.length, longest, threads, memory);
        KernelThreads.together(
                threads,
                (thread, barrier) -> {
                    var mine = new TokenTurn(this, work, beginnings, lengths, thread, barrier);
                    Rows in = x;
                    for (int i = 0; i < layers.size(); i++) {
                        mine.run(layers.get(i), places.get(i), in);
                        in = places.get(i).out();
                    }
                    TileProduct.release();
                });
    }
}
