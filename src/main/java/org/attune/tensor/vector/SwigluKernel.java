package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;

/// The gated activation of rows of `2F` numbers, gates and then what they open:
/// ```
/// y = f(g) · u,     f(g) = g σ(z),     σ(z) = 1 / (1 + e⁻ᶻ)
/// z = g for SiLU,     z = 2 √(2/π) (g + 0.044715 g³) for GELU by a hyperbolic tangent
/// ```
/// since (1 + tanh(t)) / 2 = σ(2 t). [Shazeer 2020, Eq. 6](https://arxiv.org/abs/2002.05202).
/// Rounded between the two products, as transformers does.
///
/// @param width `F`
/// @param gelu whether `f` is GELU by a hyperbolic tangent, and not SiLU
public record SwigluKernel(int width, boolean gelu) {
    /// Rows of an item of work.
    private static final int CHUNK = 8;

    private static final int LANES = Vectors.LANES;
    private static final float LINEAR = (float) (2 * Math.sqrt(2 / Math.PI));
    private static final float CUBIC = (float) (2 * Math.sqrt(2 / Math.PI) * 0.044715);

    /// Bytes to work in.
    public long workBytes(int threads) {
        return threads * rowBytes();
    }

    private long rowBytes() {
        return (long) width * Float.BYTES;
    }

    /// @param gateUp `count` rows
    /// @param out its first `F` columns are written
    /// @param memory of [#workBytes]
    public void forward(Rows gateUp, Rows out, int count, long memory, int threads) {
        run(
                gateUp,
                count,
                memory,
                threads,
                (row, gates, sigmoids) -> open(gateUp.half(), gates, sigmoids, out.at(row, 0)));
    }

    /// Does the work of one row.
    private interface Row {
        /// @param gates address of its gates
        /// @param sigmoids address of their `σ`, float32
        void run(int row, long gates, long sigmoids);
    }

    private void run(Rows gateUp, int count, long memory, int threads, Row body) {
        KernelThreads.rows(
                threads,
                count,
                CHUNK,
                (thread, row) -> {
                    long gates = gateUp.at(row, 0);
                    long sigmoids = memory + thread * rowBytes();
                    sigmoids(gateUp.half(), gates, sigmoids);
                    body.run(row, gates, sigmoids);
                });
    }

    /// `σ(z)`, float32.
    private void sigmoids(boolean half, long gates, long sigmoids) {
        if (gelu) {
            sigmoidsOfGelu(half, gates, sigmoids);
        } else {
            sigmoidsOfSilu(half, gates, sigmoids);
        }
    }

    // Each function has a loop: where two vectors meet behind a branch, the compiler
    // would put them on the heap.

    private void sigmoidsOfSilu(boolean half, long gates, long sigmoids) {
        long bytes = half ? Short.BYTES : Float.BYTES;
        for (int k = 0; k < width; k += LANES) {
            FloatVector s = Vectors.sigmoid(Vectors.load(half, gates + k * bytes));
            Vectors.store(s, sigmoids + (long) k * Float.BYTES);
        }
    }

    private void sigmoidsOfGelu(boolean half, long gates, long sigmoids) {
        long bytes = half ? Short.BYTES : Float.BYTES;
        for (int k = 0; k < width; k += LANES) {
            FloatVector g = Vectors.load(half, gates + k * bytes);
            FloatVector s = Vectors.sigmoid(ofGelu(g));
            Vectors.store(s, sigmoids + (long) k * Float.BYTES);
        }
    }

    /// `z` of GELU.
    static FloatVector ofGelu(FloatVector g) {
        return g.mul(g.mul(g).mul(CUBIC).add(LINEAR));
    }

    private void open(boolean half, long gates, long sigmoids, long out) {
        long bytes = half ? Short.BYTES : Float.BYTES;
        long ups = gates + width * bytes;
        for (int k = 0; k < width; k += LANES) {
            long at = k * bytes;
            FloatVector sigmoid = Vectors.load(sigmoids + (long) k * Float.BYTES);
            FloatVector f = Vectors.round(half, Vectors.load(half, gates + at).mul(sigmoid));
            Vectors.store(half, f.mul(Vectors.load(half, ups + at)), out + at);
        }
    }

    /// Replaces gates and what they open by their gradients:
    /// ```
    /// dg = dy u σ(z) (1 + g (1 − σ(z)) z'),     du = dy f(g)
    /// ```
    ///
    /// @param dOut gradient of what [#forward] wrote
    /// @param gateUp its input; changed
    /// @param memory of [#workBytes]
    public void backward(Rows dOut, Rows gateUp, int count, long memory, int threads) {
        run(
                gateUp,
                count,
                memory,
                threads,
                (row, gates, sigmoids) ->
                        gradients(gateUp.half(), dOut.at(row, 0), gates, sigmoids));
    }

    private void gradients(boolean half, long dOut, long gates, long sigmoids) {
        if (gelu) {
            gradientsOfGelu(half, dOut, gates, sigmoids);
        } else {
            gradientsOfSilu(half, dOut, gates, sigmoids);
        }
    }

    private void gradientsOfSilu(boolean half, long dOut, long gates, long sigmoids) {
        long bytes = half ? Short.BYTES : Float.BYTES;
        long ups = gates + width * bytes;
        for (int k = 0; k < width; k += LANES) {
            long at = k * bytes;
            FloatVector sigmoid = Vectors.load(sigmoids + (long) k * Float.BYTES);
            FloatVector silu = Vectors.load(half, gates + at).mul(sigmoid);
            FloatVector d = Vectors.load(half, dOut + at);
            FloatVector u = Vectors.load(half, ups + at);
            Vectors.store(half, d.mul(silu), ups + at);
            // σ (1 + g (1 − σ)) = σ + silu (1 − σ) = σ + silu − silu σ
            FloatVector slope = sigmoid.add(silu).sub(silu.mul(sigmoid));
            Vectors.store(half, d.mul(u).mul(slope), gates + at);
        }
    }

    private void gradientsOfGelu(boolean half, long dOut, long gates, long sigmoids) {
        long bytes = half ? Short.BYTES : Float.BYTES;
        long ups = gates + width * bytes;
        for (int k = 0; k < width; k += LANES) {
            long at = k * bytes;
            FloatVector sigmoid = Vectors.load(sigmoids + (long) k * Float.BYTES);
            FloatVector g = Vectors.load(half, gates + at);
            FloatVector activated = g.mul(sigmoid);
            FloatVector d = Vectors.load(half, dOut + at);
            FloatVector u = Vectors.load(half, ups + at);
            Vectors.store(half, d.mul(activated), ups + at);
            // σ (1 + g (1 − σ) z') = σ + f (1 − σ) z' = σ + (f − f σ) z'
            FloatVector inner = g.mul(g).mul(3 * CUBIC).add(LINEAR); // z'
            FloatVector slope = activated.sub(activated.mul(sigmoid)).mul(inner).add(sigmoid);
            Vectors.store(half, d.mul(u).mul(slope), gates + at);
        }
    }
}
