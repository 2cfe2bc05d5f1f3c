package org.attune.model.pass;

import org.attune.model.config.DecoderConfig;
import org.attune.model.config.QkNorm;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Block;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.FeedForward;
import org.attune.model.layer.FusedLinear;
import org.attune.model.layer.LatentAttention;
import org.attune.model.layer.Mixer;
import org.attune.model.layer.Norm;
import org.attune.model.layer.SelfAttention;
import org.attune.model.layer.StateMixer;
import org.attune.model.layer.VariedAttention;
import org.attune.tensor.DType;

import java.util.Optional;
import java.util.stream.IntStream;

/// Memory that a pass through the blocks takes for one token, by the shapes that
/// [AttentionHalf.Kept] and [DenseHalf.Kept] list. `D` width, `F` inner width, `HK` columns of all
/// query heads, `CK` of all key heads, `R` adapter columns, `L` blocks, `b` bytes of a value.
/// ```
/// input              = b D
/// saved by a block   = b (4 D + 2 HK + 2 CK + 2 F + R) + 8,  its input included
///                      and b (HK + CK) + 4 (H + C) with norms of queries and keys
///                      and 4 H where attention is done in tiles
///                      and b 2 D + 8 with norms behind the parts; F for 2 F without gates
/// attended           = b HK + 4 H in tiles, and the adapter's columns: attention's output
/// kept, r recomputed = (L - r) · saved by a block + (r + 1) · input, and at least one block's;
///                      r · attended more where attention is kept
/// at work in a block = b (4 F + 3 D), or with attention b (4 HK + 2 CK + 3 D) + 8 CK,
///                      in tiles b (HK + 5 CK + 3 D) + 36 CK: gradients of keys in pieces
/// scores             = 3 b H · those of a block of queries, whatever the number of tokens;
///                      none in tiles
/// ```
/// Blocks in ordinary operators keep their inputs alone. While such a block goes backward, all that
/// its operators made stands there, the scores of all queries too ([#inOperators]).
///
/// @param layers `L`
/// @param input of a block
/// @param saved by a block for the backward pass
/// @param attended of that, where the rest is computed again and attention isn't
/// @param atWork besides, while one block computes
/// @param score of one pair of query and key in all heads
/// @param allScores whether those of all queries stand there, not of a block of queries
public record ActivationBytes(
        int layers,
        long input,
        long saved,
        long attended,
        long atWork,
        long score,
        boolean allScores) {
    /// Scores, their gradient and its product stand beside each other.
    private static final long SCORES = 3;

    private static final long FLOAT = 4;

    /// Gradients of a key and a value, as a long row's pieces have them: of all keys that a piece
    /// sees, half of them on average, and pieces are up to eight.
    private static final long PIECES = 9;

    /// @param decoder with its adapters
    public static ActivationBytes of(Decoder decoder) {
        DecoderConfig config = decoder.config();
        Block first = decoder.blocks().getFirst();
        Optional<SelfAttention> attention = first.onlyAttention();
        Optional<FeedForward.Dense> dense =
                first.feedForward()
                        .filter(FeedForward.Dense.class::isInstance)
                        .map(FeedForward.Dense.class::cast);
        if (attention.isEmpty() || dense.isEmpty() || !isWritten(decoder)) {
            return byHalves(decoder);
        }
        Adapter adapter = Adapter.TRAINED;
        int outputColumns = attention.get().output().extra(adapter);
        int columns =
                attention.get().qkv().extra(adapter)
                        + outputColumns
                        + dense.get().up().extra(adapter)
                        + dense.get().down().extra(adapter);
        boolean tiles = JointHeads.inTiles(config, decoder.device(), decoder.dtype());
        ActivationBytes usual = of(config, decoder.dtype(), columns, outputColumns, tiles);
        return usual.withWork(dense.get().activationBytes(decoder.dtype().bytes()));
    }

    private static boolean isWritten(Decoder decoder) {
        return decoder.config().unwritten().isEmpty()
                && !decoder.config().keepsState()
                && !decoder.config().attention().gated()
                && decoder.blocks().stream()
                        .allMatch(b -> b.feedForward().orElse(null) instanceof FeedForward.Dense);
    }

    /// Of a model whose first blocks keep nothing for the backward pass.
    ///
    /// @param blocks how many
    public ActivationBytes withoutFirst(int blocks) {
        return new ActivationBytes(
                layers - blocks, input, saved, attended, atWork, score, allScores);
    }

    private ActivationBytes withWork(long more) {
        return new ActivationBytes(layers, input, saved, attended, atWork + more, score, allScores);
    }

    /// The bytes of blocks of which some halves are written by hand and some aren't: at work as in
    /// ordinary operators, which take the most, and what hand-written halves keep.
    private static ActivationBytes byHalves(Decoder decoder) {
        ActivationBytes plain = inOperators(decoder);
        long saved =
                WrittenBlock.all(decoder).stream()
                        .flatMap(Optional::stream)
                        .mapToLong(b -> b.savedBytes(decoder.config(), decoder.dtype().bytes()))
                        .max()
                        .orElse(0);
        return new ActivationBytes(
                plain.layers,
                plain.input,
                plain.input + saved,
                0,
                plain.atWork,
                plain.score,
                plain.allScores);
    }

    /// The bytes of blocks in ordinary operators with autograd:
    /// ```
    /// at work = b (3 (q + 2 k) + 14 q + 6 k + 8 D) + norms + feed-forward part,
    ///           updates of adapters, and a fourth more for gradients
    /// scores  = 8 b H of each pair, 11 b H with a cap
    /// ```
    private static ActivationBytes inOperators(Decoder decoder) {
        DecoderConfig c = decoder.config();
        long b = decoder.dtype().bytes();
        long work =
                decoder.blocks().stream()
                        .mapToLong(block -> atWork(block, c, b))
                        .max()
                        .orElseThrow();
        boolean attends =
                IntStream.range(0, c.layers()).anyMatch(layer -> c.parts(layer).attention());
        long score = attends ? (c.attention().softcap() > 0 ? 11 : 8) * b * c.heads() : 0;
        long input = b * c.block().residual().width(c.hiddenSize());
        long all = work + work / 4 + sides(decoder, b);
        return new ActivationBytes(c.layers(), input, input, 0, all, score, true);
    }

    /// What blocks give to later ones, and its gradients.
    private static long sides(Decoder decoder, long b) {
        DecoderConfig c = decoder.config();
        long numbers = (long) c.layers() * c.block().end().width();
        for (Block block : decoder.blocks()) {
            for (Mixer mixer : block.mixers()) {
                if (mixer instanceof VariedAttention own && own.lends()) {
                    numbers += 2L * own.sizes().kvHeads() * own.sizes().headDim();
                }
            }
        }
        return (b + FLOAT) * numbers;
    }

    private static long atWork(Block block, DecoderConfig c, long b) {
        long queries = (long) c.heads() * c.headDim();
        long keys = (long) c.kvHeads() * c.headDim();
        long work = 8L * b * c.hiddenSize();
        for (Mixer mixer : block.mixers()) {
            work +=
                    switch (mixer) {
                        case SelfAttention _ ->
                                b * (17 * queries + 12 * keys)
                                        + (c.attention().gated() ? 6 * b * queries : 0)
                                        + (c.attention().clip() > 0
                                                ? 2 * b * (queries + 2 * keys)
                                                : 0);
                        case LatentAttention latent -> latent.expressionBytes(b);
                        case VariedAttention varied -> varied.expressionBytes(b);
                        case StateMixer state -> state.expressionBytes(b);
                    };
        }
        SelfAttention attention = block.attention().orElse(null);
        for (Norm norm : block.norms()) {
            boolean ofHeads = attention != null && norm == attention.queryNorm();
            boolean counted = attention != null && norm == attention.keyNorm(); // with queries'
            long own = norm.weights().isEmpty() ? 0 : norm.weights().getFirst().base().size(0);
            long width = ofHeads ? queries + keys : Math.max(c.hiddenSize(), own);
            work += counted ? 0 : norm.expressionBytes(width);
        }
        work += block.feedForward().map(part -> part.expressionBytes(b)).orElse(0L);
        work += block.bytesBesideParts(b);
        for (FusedLinear linear : block.linears()) {
            work += linear.extra(Adapter.TRAINED) == 0 ? 0 : 2 * b * linear.out();
        }
        return work;
    }

    /// The bytes of blocks as if attention were not done in tiles.
    ///
    /// @param adapterColumns of one block: the ranks of its layers
    public static ActivationBytes of(DecoderConfig c, DType dtype, int adapterColumns) {
        return of(c, dtype, adapterColumns, 0, false);
    }

    private static ActivationBytes of(
            DecoderConfig c, DType dtype, int adapterColumns, int outputColumns, boolean tiles) {
        long b = dtype.bytes();
        long width = c.hiddenSize();
        long inner = c.intermediateSize();
        long queries = (long) c.heads() * c.headDim();
        long keys = (long) c.kvHeads() * c.headDim();
        long opened = c.block().feedForward().gated() ? 2 * inner : inner;
        long saved = b * (4 * width + 2 * queries + 2 * keys + opened + adapterColumns);
        long logs = tiles ? FLOAT * c.heads() : 0;
        saved += 2 * FLOAT + logs;
        if (c.attention().qkNorm() != QkNorm.NONE) {
            saved += b * (queries + keys) + FLOAT * (c.heads() + c.kvHeads());
        }
        if (c.block().order().normsAfter()) {
            saved += 2 * (b * width + FLOAT);
        }
        long feedForward = b * (4 * inner + 3 * width);
        long attention =
                tiles
                        ? b * (queries + 5 * keys + 3 * width) + PIECES * FLOAT * keys
                        : b * (4 * queries + 2 * keys + 3 * width) + 2 * FLOAT * keys;
        return new ActivationBytes(
                c.layers(),
                b * width,
                saved,
                b * (queries + outputColumns) + logs,
                Math.max(feedForward, attention),
                tiles ? 0 : (c.attention().softcap() > 0 ? 2 : 1) * SCORES * b * c.heads(),
                false);
    }

    /// Bytes of a pass over `tokens`, as many as there are in its longest path, forward and
    /// backward.
    ///
    /// @param recomputed what is computed again
    public long bytes(int tokens, Recomputation recomputed) {
        long pairs = // half of all, and the other half of a block of queries
                allScores
                        ? (long) tokens * (tokens + Layout.QUERY_BLOCK) / 2
                        : Layout.mostScores(tokens);
        return tokens * (kept(recomputed) + atWork) + pairs * score;
    }

    /// Bytes of a forward pass over `tokens` without a backward pass: a block and its input at a
    /// time.
    public long reading(int tokens) {
        return tokens * (input + saved + atWork);
    }

    /// What stands between the forward and the backward pass.
    ///
    /// @param recomputed what is computed again
    public long kept(Recomputation recomputed) {
        int again = Math.min(recomputed.blocks(), layers);
        long ofOne = input + (recomputed.keepsAttention() ? attended : 0);
        long atEnd = (layers - again) * saved + again * ofOne + input; // the last output
        // While the last of them is computed again, only the others stand beside it.
        long last = again == 0 ? 0 : (again - 1) * ofOne + input + saved;
        return Math.max(atEnd, last);
    }
}
