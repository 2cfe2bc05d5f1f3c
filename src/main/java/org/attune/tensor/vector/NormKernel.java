package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;

/// Root-mean-square norm of rows of `D` numbers, each read from memory once, sums in float32:
/// ```
/// y = x · r · (o + w),     r = 1 / √(mean(x²) + ε)
/// ```
/// [Zhang and Sennrich 2019, Eq. 4](https://arxiv.org/abs/1910.07467).
public final class NormKernel {
    /// Rows of an item of work.
    private static final int CHUNK = 64;

    /// Address of no residual.
    static final long NOTHING = 0;

    private static final int FLOAT = Float.BYTES;
    private static final int LANES = Vectors.LANES;

    private final int width;
    private final double epsilon;
    private final float offset;
    private final long weight;

    /// @param width `D`, a multiple of the vector's length
    /// @param epsilon ε
    /// @param offset `o`
    /// @param weight address of `w`, in the numbers of the rows
    public NormKernel(int width, double epsilon, double offset, long weight) {
        this.width = width;
        this.epsilon = epsilon;
        this.offset = (float) offset;
        this.weight = weight;
    }

    /// @param x `count` rows
    /// @param out written
    /// @param r address of `count` float32 numbers, written
    public void forward(Rows x, Rows out, long r, int count, int threads) {
        KernelThreads.rows(
                threads,
                count,
                CHUNK,
                (_, row) ->
                        forward(x.half(), x.at(row, 0), out.at(row, 0), r + (long) row * FLOAT));
    }

    /// Norms one row.
    ///
    /// @param r address of a float32 number, written
    void forward(boolean half, long x, long out, long r) {
        float factor = (float) (1 / Math.sqrt(squares(half, x) / width + epsilon));
        Vectors.put(factor, r);
        scale(half, x, factor, out);
    }

    private float squares(boolean half, long x) {
        int bytes = half ? Short.BYTES : FLOAT;
        FloatVector sum = Vectors.zero();
        for (int k = 0; k < width; k += LANES) {
            FloatVector v = Vectors.load(half, x + (long) k * bytes);
            sum = v.fma(v, sum);
        }
        return Vectors.sum(sum);
    }

    private void scale(boolean half, long x, float factor, long out) {
        if (offset == 0) {
            scalePlain(half, x, factor, out);
        } else {
            scaleOffset(half, x, factor, out);
        }
    }

    // Each kind has a loop: where two vectors meet behind a branch, the compiler would
    // put them on the heap.

    private void scalePlain(boolean half, long x, float factor, long out) {
        int bytes = half ? Short.BYTES : FLOAT;
        for (int k = 0; k < width; k += LANES) {
            long at = (long) k * bytes;
            // Rounded between the two products, as transformers does.
            FloatVector n = Vectors.round(half, Vectors.load(half, x + at).mul(factor));
            Vectors.store(half, n.mul(Vectors.load(half, weight + at)), out + at);
        }
    }

    private void scaleOffset(boolean half, long x, float factor, long out) {
        int bytes = half ? Short.BYTES : FLOAT;
        for (int k = 0; k < width; k += LANES) {
            long at = (long) k * bytes;
            FloatVector n = Vectors.load(half, x + at).mul(factor);
            Vectors.store(half, n.mul(Vectors.load(half, weight + at).add(offset)), out + at);
        }
    }

    /// The gradient of `x`, plus a residual:
    /// ```
    /// dx = r (g − n · mean(g n)) + residual,     g = dy (o + w),  n = x r
    /// ```
    ///
    /// @param r what [#forward] wrote
    /// @param residual what is added; null: nothing
    /// @param dx written; may be `residual`
    public void backward(Rows dy, Rows x, long r, Rows residual, Rows dx, int count, int threads) {
        KernelThreads.rows(
                threads,
                count,
                CHUNK,
                (_, row) ->
                        backward(
                                x.half(),
                                dy.at(row, 0),
                                x.at(row, 0),
                                Vectors.number(r + (long) row * FLOAT),
                                residual == null ? NOTHING : residual.at(row, 0),
                                dx.at(row, 0)));
    }

    /// Computes the gradient of one row.
    ///
    /// @param residual its address, or [#NOTHING]
    /// @param dx written; may be `dy` or `residual`
    void backward(boolean half, long dy, long x, float r, long residual, long dx) {
        float projection = product(half, dy, x) * r * r / width;
        combine(half, dy, x, r, projection, residual, dx);
    }

    /// `Σ g x`.
    private float product(boolean half, long dy, long x) {
        return offset == 0 ? productPlain(half, dy, x) : productOffset(half, dy, x);
    }

    private float productPlain(boolean half, long dy, long x) {
        int bytes = half ? Short.BYTES : FLOAT;
        FloatVector sum = Vectors.zero();
        for (int k = 0; k < width; k += LANES) {
            long at = (long) k * bytes;
            FloatVector g = Vectors.load(half, dy + at).mul(Vectors.load(half, weight + at));
            sum = g.fma(Vectors.load(half, x + at), sum);
        }
        return Vectors.sum(sum);
    }

    private float productOffset(boolean half, long dy, long x) {
        int bytes = half ? Short.BYTES : FLOAT;
        FloatVector sum = Vectors.zero();
        for (int k = 0; k < width; k += LANES) {
            long at = (long) k * bytes;
            FloatVector w = Vectors.load(half, weight + at).add(offset);
            sum = Vectors.load(half, dy + at).mul(w).fma(Vectors.load(half, x + at), sum);
        }
        return Vectors.sum(sum);
    }

    private void combine(
            boolean half, long dy, long x, float r, float projection, long residual, long dx) {
        if (residual == NOTHING) {
            combineAlone(half, dy, x, r, projection, dx);
        } else if (offset == 0) {
            combinePlain(half, dy, x, r, projection, residual, dx);
        } else {
            combineOffset(half, dy, x, r, projection, residual, dx);
        }
    }

    private void combinePlain(
            boolean half, long dy, long x, float r, float projection, long residual, long dx) {
        int bytes = half ? Short.BYTES : FLOAT;
        for (int k = 0; k < width; k += LANES) {
            long at = (long) k * bytes;
            FloatVector g = Vectors.load(half, dy + at).mul(Vectors.load(half, weight + at));
            FloatVector d = g.sub(Vectors.load(half, x + at).mul(projection)).mul(r);
            Vectors.store(half, d.add(Vectors.load(half, residual + at)), dx + at);
        }
    }

    private void combineOffset(
            boolean half, long dy, long x, float r, float projection, long residual, long dx) {
        int bytes = half ? Short.BYTES : FLOAT;
        for (int k = 0; k < width; k += LANES) {
            long at = (long) k * bytes;
            FloatVector w = Vectors.load(half, weight + at).add(offset);
            FloatVector g = Vectors.load(half, dy + at).mul(w);
            FloatVector d = g.sub(Vectors.load(half, x + at).mul(projection)).mul(r);
            Vectors.store(half, d.add(Vectors.load(half, residual + at)), dx + at);
        }
    }

    private void combineAlone(boolean half, long dy, long x, float r, float projection, long dx) {
        int bytes = half ? Short.BYTES : FLOAT;
        for (int k = 0; k < width; k += LANES) {
            long at = (long) k * bytes;
            FloatVector w = Vectors.load(half, weight + at).add(offset);
            FloatVector g = Vectors.load(half, dy + at).mul(w);
            FloatVector d = g.sub(Vectors.load(half, x + at).mul(projection)).mul(r);
            Vectors.store(half, d, dx + at);
        }
    }
}
