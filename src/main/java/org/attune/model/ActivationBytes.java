package org.attune.model;

import org.attune.tensor.DType;

/// Memory that a pass through the blocks takes for one token, by the shapes that [Saved] lists. `D`
/// width, `F` inner width, `HK` columns of all query heads, `CK` of all key heads, `R` adapter
/// columns, `L` blocks, `b` bytes of a value.
/// ```
/// saved by a block   = b (5 D + 2 HK + 2 CK + 2 F + R) + 8,  its output included
///                      and b (HK + CK) + 4 (H + C) with norms of queries and keys
/// all kept           = L · saved by a block
/// inputs kept        = L · b D, and one block's at a time
/// at work in a block = b (5 F + 3 D), or with attention b (4 HK + 3 · 256 H) + 8 CK
/// ```
/// where 256 queries at a time attend to at most the tokens of the pass.
///
/// @param allKept with everything kept for the backward pass
/// @param inputsKept with recomputation
/// @param atWork besides, while one block computes
public record ActivationBytes(long allKept, long inputsKept, long atWork) {
    /// Scores, their gradient and its product stand beside each other.
    private static final long SCORES = 3;

    private static final long FLOAT = 4;

    /// @param decoder with its adapters
    public static ActivationBytes of(Decoder decoder) {
        Block first = decoder.blocks().getFirst();
        Adapter adapter = Adapter.TRAINED;
        int columns =
                first.qkv().extra(adapter)
                        + first.output().extra(adapter)
                        + first.gateUp().extra(adapter)
                        + first.down().extra(adapter);
        return of(decoder.config(), decoder.dtype(), columns);
    }

    /// @param adapterColumns of one block: the ranks of its layers
    public static ActivationBytes of(DecoderConfig c, DType dtype, int adapterColumns) {
        long b = dtype.bytes();
        long width = c.hiddenSize();
        long inner = c.intermediateSize();
        long queries = (long) c.heads() * c.headDim();
        long keys = (long) c.kvHeads() * c.headDim();
        long saved = b * (5 * width + 2 * queries + 2 * keys + 2 * inner + adapterColumns);
        saved += 2 * FLOAT;
        if (c.attention().qkNorm()) {
            saved += b * (queries + keys) + FLOAT * (c.heads() + c.kvHeads());
        }
        long feedForward = b * (5 * inner + 3 * width);
        long scores = SCORES * Layout.QUERY_BLOCK * c.heads();
        long attention = b * (4 * queries + scores) + 2 * FLOAT * keys;
        long inputs = c.layers() * b * width;
        return new ActivationBytes(
                c.layers() * saved, inputs + saved, Math.max(feedForward, attention));
    }
}
