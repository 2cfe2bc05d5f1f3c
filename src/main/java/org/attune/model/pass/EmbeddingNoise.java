package org.attune.model.pass;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;

/// Uniform noise on the embeddings of tokens (NEFTune,
/// [Jain et al. 2023](https://arxiv.org/abs/2310.05914), Algorithm 1): of a sequence of `L` tokens
/// of width `D`, each number moves by
/// ```
/// α / √(L D) · u,     u uniform in [−1, 1)
/// ```
/// A draw follows from the seed, the sequence's tokens and its place among them, so it is the same
/// whatever else is in the pass. Equal sequences under one seed draw the same. transformers counts
/// the padding of a micro-batch, or all documents of a packed row, into `L`; here `L` is the
/// sequence's own.
///
/// Sequences must not share rows, since each has its own noise.
///
/// @param alpha `α`, ≥ 0; 0 is no noise
/// @param seed of the optimizer step
public record EmbeddingNoise(double alpha, long seed) {
    public static final EmbeddingNoise NONE = new EmbeddingNoise(0, 0);

    private static final long GOLDEN = 0x9E3779B97F4A7C15L;
    private static final int BITS = 24; // of a draw
    private static final float UNIT = 2f / (1 << BITS);

    public EmbeddingNoise {
        if (!(alpha >= 0 && alpha < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("alpha must be finite and >= 0, got " + alpha);
        }
    }

    /// Whether there is any.
    public boolean isOn() {
        return alpha > 0;
    }

    /// The noise of all rows, float32 `(N, D)`, in the current scope.
    Tensor of(Layout layout, int width, Device device) {
        float[] noise = new float[layout.size() * width];
        int[] lengths = layout.totalLengths();
        for (int i = 0; i < layout.spans().size(); i++) {
            Layout.Span span = layout.spans().get(i);
            long key = key(layout, i);
            for (int row = span.start(); row < span.end(); row++) {
                double scale = alpha / Math.sqrt((double) lengths[row] * width);
                long of = mixed(key + layout.positions()[row] * GOLDEN);
                draw(of, (float) scale, noise, row * width, width);
            }
        }
        return Tensor.of(device, noise, layout.size(), width);
    }

    /// Adds the noise to what the first block reads, rounded to its format.
    void addTo(Tensor x, Layout layout) {
        Tensor noise = of(layout, Math.toIntExact(x.size(1)), x.device()); // (N, D)
        x.addInPlace(x.dtype() == DType.FLOAT32 ? noise : noise.to(x.dtype()));
    }

    private long key(Layout layout, int span) {
        long key = mixed(seed);
        for (int row : layout.path(span)) {
            key = mixed(key + GOLDEN + layout.tokens()[row]);
        }
        return key;
    }

    /// Two draws of each hash.
    private static void draw(long key, float scale, float[] out, int from, int width) {
        for (int k = 0; k < width; k += 2) {
            long bits = mixed(key + (k + 1) * GOLDEN);
            out[from + k] = ((bits >>> (Long.SIZE - BITS)) * UNIT - 1) * scale;
            if (k + 1 < width) {
                out[from + k + 1] = ((bits & ((1 << BITS) - 1)) * UNIT - 1) * scale;
            }
        }
    }

    /// SplitMix64's finisher.
    private static long mixed(long value) {
        long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
